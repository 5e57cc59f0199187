//! Decompresses a layer and drops the result: `bench/image/run` compares reading a layer with it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

fn main() -> io::Result<()> {
    for path in std::env::args_os().skip(1) {
        let mut file = BufReader::with_capacity(64 << 10, File::open(path)?);
        let zstd = file.fill_buf()?.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
        let mut stream: Box<dyn Read> = if zstd {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
            decoder.window_log_max(27)?;
            Box::new(decoder)
        } else {
            Box::new(flate2::bufread::MultiGzDecoder::new(file))
        };
        io::copy(&mut stream, &mut io::sink())?;
    }
    Ok(())
}
