//! Numbers as Go reads them from text (`strconv`).

/// An integer as `ParseInt(text, 0, 64)` reads it: decimal, hexadecimal, octal or binary.
pub(crate) fn integer(text: &str) -> Option<i128> {
    let (is_negative, unsigned) = match text.strip_prefix(['+', '-']) {
        Some(unsigned) => (text.starts_with('-'), unsigned),
        None => (false, text),
    };
    if unsigned.contains('_') && !has_good_underscores(unsigned) {
        return None;
    }
    let lower = unsigned.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, lower.get(2..)?),
        Some("0b") => (2, lower.get(2..)?),
        Some("0o") => (8, lower.get(2..)?),
        Some(_) if lower.starts_with('0') => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    let digits = digits.replace('_', "");
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let value = i128::from_str_radix(&digits, radix).ok()?;
    Some(if is_negative { -value } else { value })
}

/// A floating-point number as `ParseFloat(text, 64)` reads it, which refuses what is out of range.
pub(crate) fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.contains('_') && !has_good_underscores(unsigned) {
        return None;
    }
    if unsigned.starts_with(['+', '-']) {
        return None;
    }
    let lower = unsigned.to_ascii_lowercase().replace('_', "");
    let value = match lower.strip_prefix("0x") {
        Some(digits) => hexadecimal(digits)?,
        None => lower.parse().ok()?,
    };
    if f64::is_infinite(value) && !lower.starts_with("inf") {
        return None;
    }
    Some(if text.starts_with('-') { -value } else { value })
}

/// A hexadecimal number after `0x`, which must have an exponent.
fn hexadecimal(digits: &str) -> Option<f64> {
    let (mantissa, exponent) = digits.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    // More digits than a float holds are not in charts.
    let mantissa = u64::from_str_radix(&all, 16).ok()? as f64;
    let exponent: i32 = exponent.parse().ok()?;
    let shift = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    Some(mantissa * 2_f64.powi(exponent.checked_sub(shift)?))
}

/// Whether each underscore of a number is between digits, or after the prefix of its base.
fn has_good_underscores(unsigned: &str) -> bool {
    let lower = unsigned.to_ascii_lowercase();
    let prefix = ["0x", "0b", "0o"].into_iter().find(|prefix| lower.starts_with(prefix));
    let digits = prefix.map_or(lower.as_str(), |prefix| lower.get(prefix.len()..).unwrap_or(""));
    let is_digit = |byte: Option<&u8>| match byte {
        Some(byte) if prefix == Some("0x") => byte.is_ascii_hexdigit(),
        Some(byte) => byte.is_ascii_digit(),
        None => false,
    };
    let bytes = digits.as_bytes();
    let mut underscores = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_');
    underscores.all(|(at, _)| {
        let follows = match at.checked_sub(1) {
            Some(before) => is_digit(bytes.get(before)),
            None => prefix.is_some(),
        };
        follows && is_digit(bytes.get(at + 1))
    })
}

/// A decimal, as Sprig computes with: `0.1 + 0.2` is `0.3`.
#[derive(Clone, Copy)]
pub(crate) struct Decimal {
    digits: i128,
    /// The power of ten that the digits are multiplied by.
    exponent: i32,
}

impl Decimal {
    /// How many digits after the point a quotient has.
    const PRECISION: i32 = 16;

    /// The shortest decimal of a number.
    pub(crate) fn of(value: f64) -> Result<Self, String> {
        if !value.is_finite() {
            let value = crate::print::float(value);
            return Err(format!("Cannot create a Decimal from {value}"));
        }
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let fraction = mantissa.split_once('.').map_or("", |(_, fraction)| fraction);
        let digits = mantissa.replace('.', "").parse().unwrap_or(0);
        let exponent = exponent.parse::<i32>().unwrap_or(0);
        Ok(Self { digits, exponent: exponent - i32::try_from(fraction.len()).unwrap_or(0) })
    }

    /// The nearest floating-point number.
    pub(crate) fn to_float(self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or(0.0)
    }

    /// The same number with this exponent, if it fits.
    fn scaled(self, exponent: i32) -> Option<i128> {
        let shift = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        self.digits.checked_mul(10_i128.checked_pow(shift)?)
    }

    /// The exact result, or the closest one of floating-point numbers if it has too many digits.
    pub(crate) fn add(self, other: Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let sum = self.scaled(exponent).zip(other.scaled(exponent));
        match sum.and_then(|(a, b)| a.checked_add(b)) {
            Some(digits) => Self { digits, exponent },
            None => Self::near(self.to_float() + other.to_float()),
        }
    }

    pub(crate) fn subtract(self, other: Self) -> Self {
        self.add(Self { digits: -other.digits, ..other })
    }

    pub(crate) fn multiply(self, other: Self) -> Self {
        match self.digits.checked_mul(other.digits) {
            Some(digits) => Self { digits, exponent: self.exponent + other.exponent },
            None => Self::near(self.to_float() * other.to_float()),
        }
    }

    /// The quotient, rounded to its precision; `None` for a division by zero.
    pub(crate) fn divide(self, other: Self) -> Option<Self> {
        if other.digits == 0 {
            return None;
        }
        // self / other = (digits · 10^shift / digits) · 10^-PRECISION
        let shift = self.exponent - other.exponent + Self::PRECISION;
        let power = 10_i128.checked_pow(shift.unsigned_abs());
        let (dividend, divisor) = match power {
            Some(power) if shift >= 0 => (self.digits.checked_mul(power), Some(other.digits)),
            Some(power) => (Some(self.digits), other.digits.checked_mul(power)),
            None if shift < 0 => return Some(Self { digits: 0, exponent: 0 }),
            None => (None, None),
        };
        let Some((dividend, divisor)) = dividend.zip(divisor) else {
            return Some(Self::near(self.to_float() / other.to_float()));
        };
        let rest = (dividend % divisor).unsigned_abs();
        let rounds = rest.saturating_mul(2) >= divisor.unsigned_abs();
        let away = if (dividend < 0) == (divisor < 0) { 1 } else { -1 };
        let digits = dividend / divisor + if rounds { away } else { 0 };
        Some(Self { digits, exponent: -Self::PRECISION })
    }

    fn near(value: f64) -> Self {
        Self::of(value).unwrap_or(Self { digits: 0, exponent: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::{Decimal, float, integer};

    #[test]
    fn decimals_are_exact() {
        let of = |value| Decimal::of(value).unwrap();
        assert_eq!(of(0.1).add(of(0.2)).to_float(), 0.3);
        assert_eq!(of(1.1).multiply(of(1.1)).to_float(), 1.21);
        assert_eq!(of(-2.0).divide(of(3.0)).unwrap().to_float(), -0.666_666_666_666_666_7);
        assert_eq!(of(1e-30).divide(of(3.0)).unwrap().to_float(), 0.0);
        assert!(of(1.0).divide(of(0.0)).is_none());
        assert!(Decimal::of(f64::NAN).is_err());
        assert_eq!(of(1e300).add(of(1.0)).to_float(), 1e300);
    }

    #[test]
    fn integers_are_those_of_go() {
        for (text, value) in [
            ("0", Some(0)),
            ("-12", Some(-12)),
            ("+0x1F", Some(31)),
            ("0o17", Some(15)),
            ("017", Some(15)),
            ("0b11", Some(3)),
            ("1_000", Some(1000)),
            ("0x_1", Some(1)),
            ("0_7", Some(7)),
            ("08", None),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("--1", None),
            ("", None),
            ("é", None),
        ] {
            assert_eq!(integer(text), value, "{text}");
        }
    }

    #[test]
    fn floats_are_those_of_go() {
        for (text, value) in [
            ("1_000", Some(1000.0)),
            ("1e3", Some(1000.0)),
            ("-.5", Some(-0.5)),
            ("0x1p-2", Some(0.25)),
            ("0x1.8p1", Some(3.0)),
            ("0x1F", None),
            ("Inf", Some(f64::INFINITY)),
            ("1e400", None),
            ("1_.5", None),
            ("++1", None),
            ("", None),
        ] {
            assert_eq!(float(text), value, "{text}");
        }
    }
}
