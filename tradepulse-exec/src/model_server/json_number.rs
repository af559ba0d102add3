/// A number of JSON as it is written.
pub(super) struct JsonNumber<'a> {
    text: &'a str,
    /// All digits as one number; meaningless if there are more than 19.
    mantissa: u64,
    digits: usize,
    /// How many of them are behind the point.
    behind: usize,
    exponent: bool,
}

/// Powers of ten that a `f64` holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

impl<'a> JsonNumber<'a> {
    /// The number that begins at `at`, and where it ends.
    #[inline]
    pub(super) fn read(text: &'a str, at: usize) -> Option<(Self, usize)> {
        let bytes = text.as_bytes();
        let first = at + usize::from(bytes.get(at) == Some(&b'-'));
        let (mut end, mut mantissa) = (first, 0);
        let ahead = digits(bytes, &mut end, &mut mantissa);
        if ahead == 0 || (ahead > 1 && bytes[first] == b'0') {
            return None;
        }
        let mut behind = 0;
        if bytes.get(end) == Some(&b'.') {
            end += 1;
            behind = digits(bytes, &mut end, &mut mantissa);
            if behind == 0 {
                return None;
            }
        }
        let exponent = matches!(bytes.get(end), Some(b'e' | b'E'));
        if exponent {
            end += 1;
            end += usize::from(matches!(bytes.get(end), Some(b'+' | b'-')));
            if digits(bytes, &mut end, &mut 0) == 0 {
                return None;
            }
        }
        let text = text.get(at..end)?;
        Some((Self { text, mantissa, digits: ahead + behind, behind, exponent }, end))
    }

    /// The nearest `f64`, unless it is too large for one.
    #[inline]
    pub(super) fn value(&self) -> Option<f64> {
        let exact = self.digits <= 19 && self.mantissa <= 1 << 53 && !self.exponent;
        match TENS.get(self.behind) {
            // Both are exact, so that the quotient is rounded once.
            Some(ten) if exact => {
                let value = self.mantissa as f64 / ten;
                Some(if self.is_negative() { -value } else { value })
            }
            _ => self.text.parse().ok().filter(|value: &f64| value.is_finite()),
        }
    }

    /// A whole number, if it is written as such.
    pub(super) fn whole(&self) -> Option<i64> {
        if self.exponent || self.behind > 0 || self.digits > 18 {
            return None;
        }
        let value = i64::try_from(self.mantissa).ok()?;
        Some(if self.is_negative() { -value } else { value })
    }

    /// Whether a `f64` is large enough for it.
    pub(super) fn fits(&self) -> bool {
        !(self.exponent || self.digits > 300) || self.value().is_some()
    }

    fn is_negative(&self) -> bool {
        self.text.starts_with('-')
    }
}

/// Passes over digits, adds them to `mantissa`, and counts them.
#[inline]
fn digits(bytes: &[u8], at: &mut usize, mantissa: &mut u64) -> usize {
    let first = *at;
    while let Some(digit) = bytes.get(*at).map(|byte| byte.wrapping_sub(b'0'))
        && digit < 10
    {
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        *at += 1;
    }
    *at - first
}
