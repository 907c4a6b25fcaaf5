//! What players may say: printable texts, and amounts in bounds.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A printable text of 1 to [`Text::LONGEST`] characters: the name of a player, of a guild, of an item.
///
/// Quotes, spaces and every script are fine. Control characters are not, nor are the separators of lines and
/// paragraphs and the overrides of writing direction: they print nothing, and they make what stands beside them look
/// like something else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadText {
    /// It has no character.
    #[error("is empty")]
    Empty,
    /// It has too many characters.
    #[error("has more than {} characters", Text::LONGEST)]
    TooLong,
    /// A character of it does not print.
    #[error("holds U+{:04X}, which is not printable", code(.0))]
    NotPrintable(char),
}

fn code(c: &char) -> u32 {
    u32::from(*c)
}

impl Text {
    /// The most characters of a text.
    pub const LONGEST: usize = 128;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_printable(c: char) -> bool {
    let misleads = matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !misleads
}

impl FromStr for Text {
    type Err = BadText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(BadText::Empty);
        }
        // Counting stops at the first that is too many: a text may have megabytes.
        if text.chars().nth(Self::LONGEST).is_some() {
            return Err(BadText::TooLong);
        }
        match text.chars().find(|c| !is_printable(*c)) {
            Some(c) => Err(BadText::NotPrintable(c)),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many: from 1 to [`Amount::MOST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u32);

/// The text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is no integer from 1 to {}", Amount::MOST)]
pub struct BadAmount;

impl Amount {
    /// One.
    pub const ONE: Self = Self(1);
    /// The most.
    pub const MOST: u32 = 1_000_000;

    /// An amount, if it is in bounds.
    pub fn new(amount: u32) -> Result<Self, BadAmount> {
        if (1..=Self::MOST).contains(&amount) {
            Ok(Self(amount))
        } else {
            Err(BadAmount)
        }
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for Amount {
    type Err = BadAmount;

    /// Digits alone: no sign, no point, no space.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadAmount);
        }
        Self::new(text.parse().map_err(|_| BadAmount)?)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_of_every_script_are_fine() {
        for text in [
            "7",
            " ",
            "O'Brien",
            "\"quoted\" \\ /../ <b> =1+1",
            "Ritter der Kokosnuß",
            "דוד",
            "桃太郎",
            "👩‍🚀",
            "e\u{301}",
            "\u{fffd}",
        ] {
            assert_eq!(text.parse::<Text>().unwrap().as_str(), text);
        }
        assert!("é".repeat(128).parse::<Text>().is_ok());
    }

    #[test]
    fn what_does_not_print_is_refused() {
        assert_eq!("".parse::<Text>(), Err(BadText::Empty));
        assert_eq!("é".repeat(129).parse::<Text>(), Err(BadText::TooLong));
        for c in [
            '\0', '\t', '\n', '\r', '\u{1b}', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}',
            '\u{202e}', '\u{2066}',
        ] {
            let text = format!("a{c}b");
            assert_eq!(text.parse::<Text>(), Err(BadText::NotPrintable(c)));
        }
        let told = BadText::NotPrintable('\n').to_string();
        assert_eq!(told, "holds U+000A, which is not printable");
    }

    proptest! {
        #[test]
        fn printable_text_comes_back_as_it_was(text in "\\PC{1,128}") {
            prop_assume!(!text.contains(['\u{2028}', '\u{2029}']));
            prop_assert_eq!(text.parse::<Text>().unwrap().to_string(), text);
        }

        #[test]
        fn no_control_character_gets_in(before in "\\PC{0,20}", control in "\\p{Cc}", after in "\\PC{0,20}") {
            let text = format!("{before}{control}{after}");
            prop_assert!(text.parse::<Text>().is_err());
        }

        #[test]
        fn a_text_is_taken_or_refused_by_its_length_in_characters(text in "\\PC{0,300}") {
            prop_assume!(!text.contains(['\u{2028}', '\u{2029}']));
            let characters = text.chars().count();
            prop_assert_eq!(text.parse::<Text>().is_ok(), (1..=128).contains(&characters));
        }

        #[test]
        fn an_amount_is_what_its_digits_say(text in "[0-9]{1,9}|.{0,6}") {
            match text.parse::<Amount>() {
                Ok(amount) => prop_assert_eq!(Ok(amount.get()), text.parse()),
                Err(BadAmount) => prop_assert!(
                    text.parse::<u32>().map_or(true, |n| n == 0 || n > Amount::MOST || text.starts_with('+'))
                ),
            }
        }
    }

    #[test]
    fn amounts_are_whole_and_in_bounds() {
        assert_eq!("1".parse(), Ok(Amount::ONE));
        assert_eq!("1000000".parse::<Amount>().unwrap().get(), 1_000_000);
        for bad in [
            "",
            "0",
            "1000001",
            "-1",
            "+1",
            "1.0",
            "1e3",
            " 1",
            "٣",
            "99999999999999999999",
        ] {
            assert_eq!(bad.parse::<Amount>(), Err(BadAmount), "{bad:?}");
        }
    }
}
