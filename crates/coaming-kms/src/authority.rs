//! What API servers before 1.26 send as the authority of their requests: the socket's path, as their
//! gRPC library did then. HTTP/2 libraries refuse it, because a path is not an authority.
//!
//! So the bytes of a client pass through here. In the first part of a request's headers, each `/` in the
//! value of `:authority` becomes `-`, in place. Invariants:
//!
//! * Lengths stay the same, coded and decoded: neither frames nor the table of headers change. In the
//!   Huffman code of HPACK (RFC 7541, appendix B) both characters have six bits.
//! * What is not understood passes as it is; the library then refuses it.
//! * No more than one frame is held.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// What each connection begins with.
const PREFACE: usize = 24;
/// The size of a frame's head.
const HEAD: usize = 9;
/// The largest frame: the server's settings allow no more.
const MAX_FRAME: usize = 16 << 10;
/// The type of a frame with the first part of headers.
const HEADERS: u8 = 1;
/// Flags of such a frame: it has a padding, a priority.
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
/// The index of `:authority` in the table that every connection has.
const AUTHORITY: usize = 1;

/// A connection whose requests have a valid authority.
pub(crate) struct Tolerant<S> {
    inner: S,
    buffer: Vec<u8>,
    /// How many bytes of the buffer have been looked at.
    ready: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has come yet.
    Preface,
    /// A frame comes next.
    Frames,
    /// Something else came: all of it passes.
    Unknown,
}

impl<S> Tolerant<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, buffer: Vec::new(), ready: 0, state: State::Preface }
    }

    /// Looks at the frames that are complete.
    fn scan(&mut self) {
        loop {
            let rest = self.buffer.get_mut(self.ready..).unwrap_or_default();
            match self.state {
                State::Preface if rest.len() < PREFACE => return,
                State::Preface => {
                    self.ready += PREFACE;
                    self.state = State::Frames;
                }
                State::Frames => match frame(rest) {
                    Frame::Incomplete => return,
                    Frame::TooLarge => self.state = State::Unknown,
                    Frame::Complete(length) => self.ready += length,
                },
                State::Unknown => {
                    self.ready = self.buffer.len();
                    return;
                }
            }
        }
    }
}

/// What the next bytes are.
enum Frame {
    Incomplete,
    TooLarge,
    /// A frame of this length, head included.
    Complete(usize),
}

/// Looks at the first frame.
fn frame(bytes: &mut [u8]) -> Frame {
    let Some(&[a, b, c, kind, flags, ..]) = bytes.get(..HEAD) else { return Frame::Incomplete };
    let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
    if length > MAX_FRAME {
        return Frame::TooLarge;
    }
    let Some(payload) = bytes.get_mut(HEAD..HEAD + length) else { return Frame::Incomplete };
    if kind == HEADERS {
        let before = usize::from(flags & PADDED != 0) + if flags & PRIORITY != 0 { 5 } else { 0 };
        if let Some(block) = payload.get_mut(before..) {
            // A block that is not understood stays as it was from there on.
            let _ = repair(block);
        }
    }
    Frame::Complete(HEAD + length)
}

/// Repairs the authority in a block of headers.
fn repair(block: &mut [u8]) -> Option<()> {
    let mut at = 0;
    while let Some(&first) = block.get(at) {
        let (is_literal, prefix) = match first {
            0x80.. => (false, 7),
            0x40.. => (true, 6),
            0x20.. => (false, 5),
            _ => (true, 4),
        };
        let (index, next) = integer(block, at, prefix)?;
        at = next;
        if !is_literal {
            continue;
        }
        if index == 0 {
            at = text(block, at)?.1.end;
        }
        let (is_coded, value) = text(block, at)?;
        at = value.end;
        let value = block.get_mut(value)?;
        match (index, is_coded) {
            (AUTHORITY, false) => {
                value.iter_mut().filter(|byte| **byte == b'/').for_each(|byte| *byte = b'-');
            }
            (AUTHORITY, true) => repair_coded(value),
            _ => {}
        }
    }
    Some(())
}

/// An integer whose first byte has this many bits of it; and where it ends.
fn integer(block: &[u8], at: usize, prefix: u32) -> Option<(usize, usize)> {
    let mask = (1_usize << prefix) - 1;
    let mut value = usize::from(*block.get(at)?) & mask;
    let mut next = at + 1;
    if value < mask {
        return Some((value, next));
    }
    // Nothing in a frame is longer than three of these.
    for shift in [0, 7, 14] {
        let byte = usize::from(*block.get(next)?);
        next += 1;
        value += (byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value, next));
        }
    }
    None
}

/// Whether a text is in Huffman's code, and where it is.
fn text(block: &[u8], at: usize) -> Option<(bool, std::ops::Range<usize>)> {
    let is_coded = block.get(at)? & 0x80 != 0;
    let (length, from) = integer(block, at, 7)?;
    let range = from..from.checked_add(length)?;
    block.get(range.clone())?;
    Some((is_coded, range))
}

/// The code of `/`.
const SLASH: u8 = 0b01_1000;
/// Its difference from that of `-`, which is 010110.
const TO_DASH: u8 = SLASH ^ 0b01_0110;

/// Replaces each `/` of a coded text, up to the first character whose code has more than eight bits:
/// paths of sockets have none.
fn repair_coded(bytes: &mut [u8]) {
    let mut bit = 0;
    while let Some(length) = window(bytes, bit).and_then(code_length) {
        if length == 6 && window(bytes, bit).is_some_and(|bits| bits >> 2 == SLASH) {
            for offset in (0..6).filter(|offset| TO_DASH >> (5 - offset) & 1 == 1) {
                let at = bit + offset;
                if let Some(byte) = bytes.get_mut(at / 8) {
                    *byte ^= 0x80 >> (at % 8);
                }
            }
        }
        bit += length;
    }
}

/// The eight bits from there on; after the end come ones, as they do in the code.
fn window(bytes: &[u8], bit: usize) -> Option<u8> {
    let first = u16::from(*bytes.get(bit / 8)?);
    let second = u16::from(bytes.get(bit / 8 + 1).copied().unwrap_or(0xff));
    u8::try_from((first << 8 | second) >> (8 - bit % 8) & 0xff).ok()
}

/// The length of the code at the beginning of these bits, if it is eight at most.
fn code_length(bits: u8) -> Option<usize> {
    match bits {
        0..=0b0100_1111 => Some(5),
        0b0101_0000..=0b1011_0111 => Some(6),
        0b1011_1000..=0b1111_0111 => Some(7),
        0b1111_1000..=0b1111_1101 => Some(8),
        _ => None,
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tolerant<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.ready > 0 {
                let count = this.ready.min(out.remaining());
                out.put_slice(this.buffer.get(..count).unwrap_or_default());
                this.buffer.drain(..count);
                this.ready -= count;
                return Poll::Ready(Ok(()));
            }
            let mut part = [0; 4096];
            let mut read = ReadBuf::new(&mut part);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                if this.buffer.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                this.state = State::Unknown;
            }
            this.buffer.extend_from_slice(read.filled());
            this.scan();
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tolerant<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

/// Nobody asks who is connected: the socket's mode says who may be.
impl<S> Connected for Tolerant<S> {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Headers as an API server of 1.20 sends them: `:method`, `:scheme`, `:path` and `:authority`.
    fn block(authority: &[u8], is_coded: bool) -> Vec<u8> {
        let mut block = vec![0x83, 0x86, 0x44, 2, b'/', b'E', 0x41];
        block.push(u8::try_from(authority.len()).unwrap() | if is_coded { 0x80 } else { 0 });
        block.extend_from_slice(authority);
        block.extend_from_slice(&[0x5f, 1, b'x']);
        block
    }

    /// `/run/kms.sock`: the codes of its characters, and ones.
    const CODED: &str =
        "011000 101100 101101 101010 011000 1110101 101001 01000 010111 01000 00111 00100 1110101";

    fn bits(text: &str) -> Vec<u8> {
        let mut digits: String = text.chars().filter(|digit| *digit != ' ').collect();
        while !digits.len().is_multiple_of(8) {
            digits.push('1');
        }
        let byte = |part: &[u8]| part.iter().fold(0, |byte, digit| byte << 1 | (digit - b'0'));
        digits.as_bytes().chunks(8).map(byte).collect()
    }

    #[test]
    fn a_path_becomes_an_authority_of_the_same_length() {
        let mut plain = block(b"/run/kms.sock", false);
        repair(&mut plain).unwrap();
        assert_eq!(plain, block(b"-run-kms.sock", false), "other headers stay as they are");
        let mut coded = block(&bits(CODED), true);
        repair(&mut coded).unwrap();
        assert_eq!(coded, block(&bits(&CODED.replace("011000", "010110")), true));
        let mut local = block(b"localhost", false);
        repair(&mut local).unwrap();
        assert_eq!(local, block(b"localhost", false));
    }

    fn pass(bytes: &[u8]) -> Vec<u8> {
        let mut tolerant = Tolerant::new(bytes);
        let mut out = Vec::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(tolerant.read_to_end(&mut out)).unwrap();
        out
    }

    #[test]
    fn frames_are_looked_at_one_by_one() {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let headers = block(b"/run/kms.sock", false);
        let length = u8::try_from(headers.len() + 6).unwrap();
        // A frame of data with the same bytes, and headers with a padding and a priority.
        bytes.extend_from_slice(&[0, 0, length - 6, 0, 0, 0, 0, 0, 1]);
        bytes.extend_from_slice(&headers);
        bytes.extend_from_slice(&[0, 0, length, HEADERS, PADDED | PRIORITY, 0, 0, 0, 1]);
        bytes.extend_from_slice(&[0; 6]);
        bytes.extend_from_slice(&headers);
        let passed = pass(&bytes);
        let (before, after) = passed.split_at(passed.len() - headers.len());
        assert_eq!(before, &bytes[..before.len()]);
        assert_eq!(after, block(b"-run-kms.sock", false));
    }

    proptest! {
        #[test]
        fn any_bytes_pass_with_their_length(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut block = bytes.clone();
            repair(&mut block);
            prop_assert_eq!(block.len(), bytes.len());
            prop_assert_eq!(pass(&bytes).len(), bytes.len());
            let with_preface = [&[b'P'; PREFACE][..], &[0, 0, 90, HEADERS, 4, 0, 0, 0, 1], &bytes].concat();
            prop_assert_eq!(pass(&with_preface).len(), with_preface.len());
        }
    }
}
