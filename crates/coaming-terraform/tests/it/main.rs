//! What Terraform files and plans make.

mod cases;
mod hostile;
mod plans;
