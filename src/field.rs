use core::fmt;

/// A field of the event stream format, by the names of the standard.
///
/// # Examples
///
/// ```
/// use ssewire::Field;
///
/// assert_eq!(Field::Event.name(), "event");
/// assert_eq!(Field::Data.to_string(), "data");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Field {
    /// `event`: the event's type.
    Event,
    /// `data`: a line of the event's data.
    Data,
    /// `id`: the last event ID from this event on.
    Id,
    /// `retry`: the reconnection time.
    Retry,
}

impl Field {
    /// Returns the field's name as it stands before the colon, in ASCII.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Field::Event => "event",
            Field::Data => "data",
            Field::Id => "id",
            Field::Retry => "retry",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
