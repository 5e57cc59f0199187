//! Decompresses a gzip file into nothing: what `bench/image/run` compares reading a layer with.

use std::fs::File;
use std::io;

fn main() -> io::Result<()> {
    for path in std::env::args_os().skip(1) {
        let mut stream =
            flate2::bufread::MultiGzDecoder::new(io::BufReader::new(File::open(path)?));
        io::copy(&mut stream, &mut io::sink())?;
    }
    Ok(())
}
