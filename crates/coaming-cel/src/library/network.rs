//! IP addresses and networks.

use std::fmt;
use std::net::IpAddr;

use super::opaque::Opaque;
use crate::lang::declarations::Library;
use crate::lang::eval::{EvalError, NO_OVERLOAD};
use crate::lang::value::Value;

/// A network; the address keeps the bits beyond the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Cidr {
    fn parse(text: &str) -> Result<Self, EvalError> {
        let failed = |why: &str| {
            EvalError::new(format!(
                "network address parse error during conversion from string: {why}"
            ))
        };
        let Some((address, prefix)) = text.rsplit_once('/') else {
            return Err(failed(&format!("netip.ParsePrefix(\"{text}\"): no '/'")));
        };
        let address = parse_ip(address).map_err(|error| failed(&error.0))?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let is_number = !prefix.is_empty()
            && prefix.bytes().all(|byte| byte.is_ascii_digit())
            && (prefix.len() == 1 || !prefix.starts_with('0'));
        let prefix = prefix.parse().ok().filter(|bits| is_number && *bits <= width);
        let prefix = prefix.ok_or_else(|| failed(&format!("bad prefix length in \"{text}\"")))?;
        Ok(Self { address, prefix })
    }

    fn masked(self) -> Self {
        let address = match self.address {
            IpAddr::V4(address) => {
                let kept = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V4((u32::from(address) & kept).into())
            }
            IpAddr::V6(address) => {
                let kept = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V6((u128::from(address) & kept).into())
            }
        };
        Self { address, ..self }
    }

    fn contains(self, address: IpAddr) -> bool {
        let other = Self { address, prefix: self.prefix };
        self.address.is_ipv4() == address.is_ipv4() && self.masked() == other.masked()
    }

    fn contains_network(self, other: Self) -> bool {
        other.prefix >= self.prefix && self.contains(other.address)
    }
}

fn parse_ip(text: &str) -> Result<IpAddr, EvalError> {
    if text.contains('%') && text.contains(':') {
        return Err(EvalError::new(format!(
            "IP address \"{text}\" with zone value is not allowed"
        )));
    }
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => {
            Err(EvalError::new(format!("IPv4-mapped IPv6 address \"{text}\" is not allowed")))
        }
        Ok(address) => Ok(address),
        Err(_) => Err(EvalError::new(format!(
            "IP Address \"{text}\" parse error during conversion from string: \
             ParseAddr(\"{text}\"): unable to parse IP"
        ))),
    }
}

fn link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => matches!(address.octets(), [224, 0, 0, _]),
        IpAddr::V6(address) => address.segments()[0] & 0xff0f == 0xff02,
    }
}

fn link_local_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn global_unicast(address: IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !is_broadcast
        && !address.is_unspecified()
        && !address.is_loopback()
        && !address.is_multicast()
        && !link_local_unicast(address)
}

type Outcome = Result<Value, EvalError>;

fn ip_test(arguments: &[Value], accepts: fn(IpAddr) -> bool) -> Outcome {
    match arguments {
        [Value::Opaque(opaque)] => match &**opaque {
            Opaque::Ip(address) => Ok(Value::Bool(accepts(*address))),
            _ => NO_OVERLOAD,
        },
        _ => NO_OVERLOAD,
    }
}

fn with_cidr(arguments: &[Value], apply: impl Fn(Cidr) -> Value) -> Outcome {
    match arguments.first() {
        Some(Value::Opaque(opaque)) => match &**opaque {
            Opaque::Cidr(cidr) => Ok(apply(*cidr)),
            _ => NO_OVERLOAD,
        },
        _ => NO_OVERLOAD,
    }
}

fn contains_ip(arguments: &[Value]) -> Outcome {
    let address = match arguments {
        [_, Value::String(text)] => parse_ip(text)?,
        [_, Value::Opaque(opaque)] => match &**opaque {
            Opaque::Ip(address) => *address,
            _ => return NO_OVERLOAD,
        },
        _ => return NO_OVERLOAD,
    };
    with_cidr(arguments, |cidr| Value::Bool(cidr.contains(address)))
}

fn contains_cidr(arguments: &[Value]) -> Outcome {
    let other = match arguments {
        [_, Value::String(text)] => Cidr::parse(text)?,
        [_, Value::Opaque(opaque)] => match &**opaque {
            Opaque::Cidr(cidr) => *cidr,
            _ => return NO_OVERLOAD,
        },
        _ => return NO_OVERLOAD,
    };
    with_cidr(arguments, |cidr| Value::Bool(cidr.contains_network(other)))
}

pub(crate) const LIBRARY: Library = Library {
    signatures: "
        ip(string) net.IP
        @net.CIDR ip() net.IP
        isIP(string) bool
        ip.isCanonical(string) bool
        @net.IP family() int
        @net.IP isUnspecified() bool
        @net.IP isLoopback() bool
        @net.IP isLinkLocalMulticast() bool
        @net.IP isLinkLocalUnicast() bool
        @net.IP isGlobalUnicast() bool
        cidr(string) net.CIDR
        isCIDR(string) bool
        @net.CIDR containsIP(string) bool
        @net.CIDR containsIP(net.IP) bool
        @net.CIDR containsCIDR(string) bool
        @net.CIDR containsCIDR(net.CIDR) bool
        @net.CIDR masked() net.CIDR
        @net.CIDR prefixLength() int
    ",
    natives: &[
        ("ip", |_, arguments| match arguments {
            [Value::String(text)] => parse_ip(text).map(Opaque::Ip).map(Value::opaque),
            _ => with_cidr(arguments, |cidr| Value::opaque(Opaque::Ip(cidr.address))),
        }),
        ("isIP", |_, arguments| match arguments {
            [Value::String(text)] => Ok(Value::Bool(parse_ip(text).is_ok())),
            _ => NO_OVERLOAD,
        }),
        ("ip.isCanonical", |_, arguments| match arguments {
            [Value::String(text)] => Ok(Value::Bool(parse_ip(text)?.to_string() == **text)),
            _ => NO_OVERLOAD,
        }),
        ("family", |_, arguments| match arguments {
            [Value::Opaque(opaque)] => match &**opaque {
                Opaque::Ip(address) => Ok(Value::Int(if address.is_ipv4() { 4 } else { 6 })),
                _ => NO_OVERLOAD,
            },
            _ => NO_OVERLOAD,
        }),
        ("isUnspecified", |_, arguments| ip_test(arguments, |address| address.is_unspecified())),
        ("isLoopback", |_, arguments| ip_test(arguments, |address| address.is_loopback())),
        ("isLinkLocalMulticast", |_, arguments| ip_test(arguments, link_local_multicast)),
        ("isLinkLocalUnicast", |_, arguments| ip_test(arguments, link_local_unicast)),
        ("isGlobalUnicast", |_, arguments| ip_test(arguments, global_unicast)),
        ("cidr", |_, arguments| match arguments {
            [Value::String(text)] => Cidr::parse(text).map(Opaque::Cidr).map(Value::opaque),
            _ => NO_OVERLOAD,
        }),
        ("isCIDR", |_, arguments| match arguments {
            [Value::String(text)] => Ok(Value::Bool(Cidr::parse(text).is_ok())),
            _ => NO_OVERLOAD,
        }),
        ("containsIP", |_, arguments| contains_ip(arguments)),
        ("containsCIDR", |_, arguments| contains_cidr(arguments)),
        ("masked", |_, arguments| {
            with_cidr(arguments, |cidr| Value::opaque(Opaque::Cidr(cidr.masked())))
        }),
        ("prefixLength", |_, arguments| {
            with_cidr(arguments, |cidr| Value::Int(i64::from(cidr.prefix)))
        }),
    ],
};
