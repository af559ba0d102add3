//! A section of the file, defined once: its struct, its defaults and its table of keys.

/// Defines sections. A field is `name: Type = default, "unit"` and, for a number, its range.
macro_rules! section {
    ($(
        $(#[doc = $about:literal])+
        $section:ident {
            $(
                $(#[doc = $doc:literal])+
                $name:ident : $type:ty = $default:expr, $unit:literal
                $(, $least:literal ..= $most:literal)?;
            )+
        }
        $(check $check:path;)?
    )+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $section {
            $(
                $(#[doc = $doc])+
                pub $name: $type,
            )+
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($name: $default),+ }
            }
        }

        impl $section {
            /// The table of its keys.
            pub const KEYS: &'static [$crate::config::Key] = &[$(
                $crate::config::Key {
                    name: stringify!($name),
                    doc: concat!($($doc),+),
                    unit: $unit,
                    range: $crate::config::section::range!($($least, $most)?),
                    kind: <$type as $crate::config::setting::Setting>::KIND,
                    default: || {
                        let default: $type = $default;
                        $crate::config::setting::Setting::text(&default)
                    },
                }
            ),+];
        }

        impl $crate::config::setting::Setting for $section {
            const KIND: &'static $crate::config::Kind = &$crate::config::Kind::Section(Self::KEYS);

            fn read(
                node: &$crate::config::yaml::Node,
                _: &$crate::config::Key,
                reader: &mut $crate::config::reader::Reader,
            ) -> Option<Self> {
                if !reader.enter(node, Self::KEYS) {
                    return None;
                }
                let mut section = Self::default();
                let mut sound = true;
                for key in Self::KEYS {
                    let Some(entry) = node.get(key.name) else { continue };
                    match key.name {
                        $(stringify!($name) => {
                            match reader.within(key.name, |reader| {
                                $crate::config::setting::Setting::read(entry, key, reader)
                            }) {
                                Some(value) => section.$name = value,
                                None => sound = false,
                            }
                        })+
                        _ => {}
                    }
                }
                // Checks of values together make sense only where each is sound.
                $(if sound {
                    $check(&section, node, reader);
                })?
                sound.then_some(section)
            }

            fn text(&self) -> String {
                let entries = [$(format!(
                    "{}: {}",
                    stringify!($name),
                    $crate::config::setting::Setting::text(&self.$name)
                )),+];
                format!("{{{}}}", entries.join(", "))
            }
        }
    )+};
}

/// The range of a number, if it was given.
macro_rules! range {
    () => {
        None
    };
    ($least:literal, $most:literal) => {
        Some(($least as f64, $most as f64))
    };
}

/// Defines a choice of words.
macro_rules! choice {
    ($(
        $(#[doc = $about:literal])+
        $choice:ident { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal),+ $(,)? }
    )+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $choice {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl $choice {
            /// Every word, in the order of the variants.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Its word in the file.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::str::FromStr for $choice {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => {
                        let near = tradepulse_core::parameter::nearest(
                            text,
                            Self::WORDS.iter().copied(),
                        );
                        Err(near.map_or_else(String::new, |near| format!("did you mean {near}?")))
                    }
                }
            }
        }

        impl $crate::config::setting::Setting for $choice {
            const KIND: &'static $crate::config::Kind = &$crate::config::Kind::Choice(Self::WORDS);

            fn read(
                node: &$crate::config::yaml::Node,
                key: &$crate::config::Key,
                reader: &mut $crate::config::reader::Reader,
            ) -> Option<Self> {
                $crate::config::setting::read_text(node, key, Self::KIND, reader, str::parse)
            }

            fn text(&self) -> String {
                $crate::config::yaml::scalar(self.as_str())
            }
        }
    )+};
}

pub(super) use {choice, range, section};
