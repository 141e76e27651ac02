//! `Serialize` for events, and `Deserialize` for those that own their bytes on the heap.

use ::serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::event::{Event, Text};
use crate::text::lossy;

/// A struct of the fields `event`, `data`, `id`, `retry` and `last_event_id`. The values are text, as the standard decodes a
/// stream: valid UTF-8 stays the same, and U+FFFD takes the place of other bytes.
///
/// `event` is the event type as it was on the wire, `id` the one that the event itself set, and `last_event_id` that of an
/// earlier event. Formats for people, such as JSON, leave out the fields that the event does not have. In others they are `None`.
impl<T: Text + ?Sized> Serialize for Event<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let earlier_id = (!self.sets_id && !self.last_event_id.as_ref().is_empty()).then_some(self.last_event_id);
        let omits = serializer.is_human_readable();
        let mut fields = serializer.serialize_struct("Event", 5)?;
        field(&mut fields, omits, "event", self.event_type.map(decoded))?;
        fields.serialize_field("data", &decoded(self.data))?;
        field(&mut fields, omits, "id", self.id().map(decoded))?;
        field(&mut fields, omits, "retry", self.retry)?;
        field(&mut fields, omits, "last_event_id", earlier_id.map(decoded))?;
        fields.end()
    }
}

fn field<S: SerializeStruct>(
    fields: &mut S,
    omits: bool,
    name: &'static str,
    value: Option<impl Serialize>,
) -> Result<(), S::Error> {
    match value {
        None if omits => fields.skip_field(name),
        value => fields.serialize_field(name, &value),
    }
}

fn decoded<T: Text + ?Sized>(value: &T) -> Decoded<'_> {
    Decoded(value.as_ref())
}

struct Decoded<'a>(&'a [u8]);

impl Serialize for Decoded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match core::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_str(&lossy(self.0)),
        }
    }
}

#[cfg(feature = "alloc")]
mod owned {
    use alloc::string::String;

    use ::serde::de::{Deserialize, Deserializer, Error};

    use crate::error::InvalidByte;
    use crate::event::Event;
    use crate::field::Field;
    use crate::owned::EventBuf;

    #[derive(::serde::Deserialize)]
    #[serde(rename = "Event")]
    struct Fields {
        #[serde(default)]
        event: Option<String>,
        data: String,
        #[serde(default)]
        id: Option<String>,
        #[serde(default)]
        retry: Option<u64>,
        #[serde(default)]
        last_event_id: Option<String>,
    }

    impl Fields {
        /// Returns the event, if a stream can set its values.
        fn event(&self) -> Result<Event<'_, str>, InvalidByte> {
            let sets_id = self.id.is_some();
            let last_event_id = self.id.as_deref().or(self.last_event_id.as_deref()).unwrap_or_default();
            InvalidByte::check(Field::Event, self.event.as_deref().unwrap_or_default().as_bytes())?;
            InvalidByte::check(Field::Id, last_event_id.as_bytes())?;
            Ok(Event { event_type: self.event.as_deref(), data: &self.data, last_event_id, sets_id, retry: self.retry })
        }
    }

    /// The reverse of `Serialize`. Rejects CR or LF in the event type or an ID, and NUL in an ID.
    impl<'de> Deserialize<'de> for EventBuf {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EventBuf, D::Error> {
            let fields = Fields::deserialize(deserializer)?;
            let event = fields.event().map_err(D::Error::custom)?;
            Ok(EventBuf::with_last_event_id(&event))
        }
    }

    /// The reverse of `Serialize`. Rejects CR or LF in the event type or an ID, and NUL in an ID.
    #[cfg(feature = "bytes")]
    impl<'de> Deserialize<'de> for crate::owned::EventBytes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let fields = Fields::deserialize(deserializer)?;
            let event = fields.event().map_err(D::Error::custom)?;
            Ok(Self::with_last_event_id(&event))
        }
    }
}
