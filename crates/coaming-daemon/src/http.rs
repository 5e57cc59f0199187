//! One request and its answer over HTTP/1.1: as much as a daemon's socket needs.

use std::io::{self, BufRead, BufReader, Read, Write};

/// The most bytes of the status line and the headers together, and of a chunk's head.
const HEAD_LIMIT: u64 = 64 << 10;

/// An answer whose body was not read yet.
pub(crate) struct Answer<S> {
    pub(crate) status: u16,
    pub(crate) body: Body<S>,
}

/// How long a body is.
#[derive(Debug)]
enum Length {
    /// So many bytes are left.
    Known(u64),
    /// So many bytes of this chunk are left, and other chunks follow.
    Chunk(u64),
    /// Between two chunks.
    Chunked,
    /// Until the other side closes.
    Close,
    /// All was read.
    End,
}

/// A body. Where it says how long it is, ending before is an error.
pub(crate) struct Body<S> {
    stream: BufReader<S>,
    length: Length,
}

/// Asks for a path.
pub(crate) fn get<S: Read + Write>(mut stream: S, path: &str) -> io::Result<Answer<S>> {
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: coaming\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n"
    )?;
    stream.flush()?;
    let mut stream = BufReader::with_capacity(64 << 10, stream);
    let (status, length) = head(&mut stream)?;
    Ok(Answer { status, body: Body { stream, length } })
}

/// The status, and how long the body is.
fn head(stream: &mut impl BufRead) -> io::Result<(u16, Length)> {
    let mut head = stream.take(HEAD_LIMIT);
    let status = line(&mut head)?
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5)?.parse().ok())
        .ok_or_else(|| invalid("the answer is not HTTP"))?;
    let mut length = Length::Close;
    loop {
        let header = line(&mut head)?;
        if header.is_empty() {
            return Ok((status, length));
        }
        let Some((name, value)) = header.split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
            length = Length::Chunked;
        } else if name.eq_ignore_ascii_case("content-length") && !matches!(length, Length::Chunked)
        {
            let count = value.parse().map_err(|_| invalid("its length is no number"))?;
            length = Length::Known(count);
        }
    }
}

/// A line without its end.
fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| invalid("a header is not UTF-8"))
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

impl<S: Read> Body<S> {
    /// The head of the next chunk; the last has no bytes.
    fn next_chunk(&mut self) -> io::Result<()> {
        let head = line(&mut (&mut self.stream).take(HEAD_LIMIT))?;
        let digits = head.split(';').next().unwrap_or_default().trim();
        let count = u64::from_str_radix(digits, 16)
            .map_err(|_| invalid("a chunk's length is no number"))?;
        self.length = if count == 0 { Length::End } else { Length::Chunk(count) };
        Ok(())
    }
}

impl<S: Read> Read for Body<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if matches!(self.length, Length::Chunked) {
            self.next_chunk()?;
        }
        let (Length::Known(left) | Length::Chunk(left)) = &mut self.length else {
            return match self.length {
                Length::Close => self.stream.read(buffer),
                _ => Ok(0),
            };
        };
        if *left == 0 {
            return Ok(0);
        }
        let wanted = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.stream.read(buffer.get_mut(..wanted).unwrap_or_default())?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *left -= count as u64;
        if *left == 0 && matches!(self.length, Length::Chunk(_)) {
            if !line(&mut (&mut self.stream).take(2))?.is_empty() {
                return Err(invalid("a chunk is longer than it says"));
            }
            self.length = Length::Chunked;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that yields an answer in pieces, and takes any request.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(buffer.len()).min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    impl Write for Pieces<'_> {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            Ok(buffer.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn read(answer: &str, piece: usize) -> io::Result<(u16, String)> {
        let mut answer = get(Pieces(answer.as_bytes(), piece), "/")?;
        let mut text = String::new();
        answer.body.read_to_string(&mut text)?;
        Ok((answer.status, text))
    }

    #[test]
    fn reads_bodies_of_each_length() {
        for piece in [1, 3, 1000] {
            for answer in [
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more",
                "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
                "HTTP/1.0 200 OK\r\n\r\nhello",
            ] {
                assert_eq!(read(answer, piece).unwrap(), (200, "hello".into()), "{answer}");
            }
        }
        assert_eq!(read("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 9).unwrap().0, 404);
    }

    #[test]
    fn an_answer_that_breaks_off_is_an_error() {
        for answer in [
            "",
            "HTTP/1.1 200",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            "SSH-2.0\r\n\r\n",
        ] {
            assert!(read(answer, 7).is_err(), "{answer}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(100_000));
        assert!(read(&endless, 1000).is_err());
    }

    proptest::proptest! {
        #[test]
        fn takes_any_bytes(answer in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            if let Ok(mut answer) = get(Pieces(&answer, 5), "/") {
                drop(io::copy(&mut answer.body, &mut io::sink()));
            }
        }
    }
}
