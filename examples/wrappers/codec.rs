//! `tokio_util::codec`: a `Decoder` and an `Encoder`, so that `Framed` makes a stream and a sink of events of any
//! `AsyncRead` and `AsyncWrite`; here of a TCP connection, both ways.
//!
//! The decoder's events own their bytes: each is a part of one read, or one allocation if it came in two reads or
//! has data of several lines. All state is in the codec, so that a stream or sink that is dropped while it waits goes on later.
//! An event over the limit is an item, not an error of the decoder, since `Framed` would end the stream at one.

use std::io;

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use ssewire::{EventBytes, Frame, GrowableBuffer, Overflow, Parser};
use ssewire_wrappers::{Message, assert_all, limit_time, messages};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{Decoder, Encoder, Framed};

struct EventCodec {
    parser: Parser<GrowableBuffer>,
    /// All that was read at once, and how many bytes of it were used.
    chunk: Bytes,
    used: usize,
}

impl EventCodec {
    /// Decodes events up to `limit` bytes. Memory for those that are split is taken as they need it.
    fn new(limit: usize) -> EventCodec {
        EventCodec { parser: Parser::with_limit(limit), chunk: Bytes::new(), used: 0 }
    }
}

impl Decoder for EventCodec {
    type Item = Result<EventBytes, Overflow>;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        loop {
            let mut rest = self.chunk.get(self.used..).unwrap_or_default();
            let item = self.parser.next(&mut rest).transpose();
            let item = item.map(|event| event.map(|event| EventBytes::new(&event, &self.chunk)));
            self.used = self.chunk.len() - rest.len();
            if item.is_some() || src.is_empty() {
                return Ok(item);
            }
            // All that was read is taken: the parser has the unfinished event, which is discarded at the end of the stream.
            (self.chunk, self.used) = (src.split().freeze(), 0);
        }
    }
}

impl Encoder<Frame<'_>> for EventCodec {
    type Error = io::Error;

    fn encode(&mut self, frame: Frame<'_>, dst: &mut BytesMut) -> io::Result<()> {
        frame.write_to_buf(dst).map_err(io::Error::other)
    }
}

impl Encoder<EventBytes> for EventCodec {
    type Error = io::Error;

    fn encode(&mut self, event: EventBytes, dst: &mut BytesMut) -> io::Result<()> {
        self.encode(Frame::from(&event), dst)
    }
}

/// Sends all messages, and reads them as they come back.
async fn server(listener: TcpListener) -> io::Result<Vec<Message>> {
    let messages = messages();
    let (mut sink, mut stream) = Framed::new(listener.accept().await?.0, EventCodec::new(64 << 10)).split();
    let send = async {
        for message in &messages {
            sink.feed(message.frame().map_err(io::Error::other)?).await?;
        }
        SinkExt::<Frame>::close(&mut sink).await
    };
    let receive = async {
        let mut read = Vec::new();
        while let Some(event) = stream.next().await {
            let event = event?.map_err(io::Error::other)?;
            read.push(event.text().map_err(io::Error::other)?.into());
        }
        Ok(read)
    };
    Ok(tokio::try_join!(send, receive)?.1)
}

/// Sends back every event that it reads.
async fn client(connection: TcpStream) -> io::Result<usize> {
    let (mut sink, mut stream) = Framed::new(connection, EventCodec::new(64 << 10)).split();
    let mut echoed = 0;
    while let Some(event) = stream.next().await {
        sink.feed(event?.map_err(io::Error::other)?).await?;
        echoed += 1;
    }
    SinkExt::<EventBytes>::close(&mut sink).await?;
    Ok(echoed)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    limit_time();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let connection = TcpStream::connect(listener.local_addr()?).await?;
    let (read, echoed) = tokio::try_join!(server(listener), client(connection))?;
    assert_all(&read);
    assert_eq!(echoed, read.len());
    println!("{echoed} events over TCP, there and back, Framed at both ends");
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tokio_util::codec::FramedRead;

    use super::*;

    #[test]
    fn an_overflow_does_not_end_the_stream_and_an_unfinished_event_is_discarded() {
        let wire = &b"data: nine byte\n\ndata: a\n\ndata: bc\n\ndata: d\n\ndata: cut"[..];
        let stream = FramedRead::new(wire, EventCodec::new(8)).map(|item| item.unwrap().map(EventBytes::into_data));
        let read: Vec<_> = stream.collect().now_or_never().unwrap();
        let overflow = Overflow { field: ssewire::Field::Data, needed: 9, capacity: 8 };
        assert_eq!(read, [Err(overflow), Ok("a".into()), Ok("bc".into()), Ok("d".into())]);
    }

    #[test]
    fn what_is_encoded_is_decoded_however_it_is_cut() {
        let mut codec = EventCodec::new(64 << 10);
        let mut wire = BytesMut::new();
        for message in &messages()[..50] {
            codec.encode(message.frame().unwrap(), &mut wire).unwrap();
        }
        for size in [1, 2, 3, 64, 1000, wire.len()] {
            let mut relayed = BytesMut::new();
            let mut src = BytesMut::new();
            let mut decoder = EventCodec::new(64 << 10);
            for chunk in wire.chunks(size) {
                src.extend_from_slice(chunk);
                while let Some(event) = decoder.decode(&mut src).unwrap() {
                    codec.encode(event.unwrap(), &mut relayed).unwrap();
                }
                assert!(src.is_empty());
            }
            assert_eq!(relayed, wire, "chunks of {size}");
        }
    }
}
