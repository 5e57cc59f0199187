//! Reads an image and prints the number of its packages: `coaming image` without the rest of the
//! program, for profiling.

#![allow(clippy::print_stdout, reason = "this is its output")]

fn main() -> Result<(), coaming_image::ImageError> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let facts = coaming_image::Image::open(path.as_ref(), None)?.read();
    println!("{} packages, {} problems", facts.packages.len(), facts.problems.len());
    Ok(())
}
