use super::json_number::JsonNumber;

/// What stands between the numbers of a JSON value.
///
/// A text that has the same between its numbers is JSON as well, of the same form: this is seen
/// faster than it is read.
pub(super) struct JsonShape<'a> {
    pieces: Vec<Piece<'a>>,
}

struct Piece<'a> {
    text: &'a str,
    /// Its bytes, where there are at most sixteen, and which bits are theirs.
    bytes: u128,
    mask: u128,
}

impl<'a> Piece<'a> {
    fn new(text: &'a str) -> Self {
        let (mut bytes, mut mask) = ([0; 16], [0; 16]);
        if text.len() <= 16 {
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            mask[..text.len()].fill(0xff);
        }
        Self { text, bytes: u128::from_le_bytes(bytes), mask: u128::from_le_bytes(mask) }
    }

    #[inline]
    fn begins(&self, bytes: &[u8]) -> bool {
        match bytes.first_chunk() {
            Some(chunk) if self.mask != 0 => u128::from_le_bytes(*chunk) & self.mask == self.bytes,
            _ => bytes.starts_with(self.text.as_bytes()),
        }
    }
}

impl<'a> JsonShape<'a> {
    /// That of a value, which has to be JSON.
    pub(super) fn new(value: &'a str) -> Self {
        let (mut pieces, mut from, mut within) = (Vec::with_capacity(8), 0, false);
        let bytes = value.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'"' => within = !within,
                b'\\' => at += 1,
                b'-' | b'0'..=b'9' if !within => {
                    pieces.push(Piece::new(&value[from..at]));
                    let part =
                        |byte: &u8| matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E' | b'0'..=b'9');
                    at += bytes[at..].iter().take_while(|byte| part(byte)).count();
                    from = at;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        pieces.push(Piece::new(&value[from..]));
        Self { pieces }
    }

    /// How many numbers there are.
    pub(super) const fn numbers(&self) -> usize {
        self.pieces.len() - 1
    }

    /// Reads a value of this shape at `at`, with its numbers in their order, and tells where it
    /// ends.
    #[inline]
    pub(super) fn read<'b>(
        &self,
        text: &'b str,
        mut at: usize,
        mut number: impl FnMut(usize, JsonNumber<'b>) -> Option<()>,
    ) -> Option<usize> {
        let (last, before) = self.pieces.split_last()?;
        let begins = |piece: &Piece<'_>, at: usize| {
            text.as_bytes().get(at..).is_some_and(|rest| piece.begins(rest))
        };
        for (i, piece) in before.iter().enumerate() {
            if !begins(piece, at) {
                return None;
            }
            let (read, end) = JsonNumber::read(text, at + piece.text.len())?;
            number(i, read)?;
            at = end;
        }
        begins(last, at).then_some(at + last.text.len())
    }
}
