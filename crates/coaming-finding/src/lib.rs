//! The one finding type that every engine speaks: severity, location, fix, suppression, baseline.
