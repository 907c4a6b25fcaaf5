//! What is done to a statement's words before it is parsed.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// All but spaces and comments.
pub(crate) fn significant(tokens: &[TokenWithSpan]) -> impl Iterator<Item = &TokenWithSpan> {
    tokens
        .iter()
        .filter(|t| !matches!(t.token, Token::Whitespace(_) | Token::EOF))
}

/// What joins two expressions or two queries, or is put after one: of each comes a tree that is one level deeper. An
/// opening bracket may begin an index or a type of lists.
pub(crate) fn operators(tokens: &[TokenWithSpan]) -> impl Iterator<Item = &TokenWithSpan> {
    significant(tokens).filter(|token| match &token.token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::JOIN
                | Keyword::IS
                | Keyword::NOTNULL
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::RLIKE
                | Keyword::REGEXP
                | Keyword::SIMILAR
                | Keyword::MATCH
                | Keyword::MEMBER
                | Keyword::OVERLAPS
                | Keyword::DIV
                | Keyword::XOR
                | Keyword::COLLATE
                | Keyword::ZONE
        ),
        Token::Comma | Token::Period | Token::LParen | Token::RParen | Token::SemiColon => false,
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::DollarQuotedString(_)
        | Token::Placeholder(_)
        | Token::RBracket
        | Token::LBrace
        | Token::RBrace => false,

        _ => true,
    })
}

/// A name in lower case, quoted or not.
pub(crate) fn fold(mut token: TokenWithSpan) -> TokenWithSpan {
    if let Token::Word(word) = &mut token.token {
        word.value = word.value.to_lowercase();
    }
    token
}

/// The words that follow an AS.
pub(crate) fn aliases(tokens: &[TokenWithSpan]) -> Vec<String> {
    let mut after_as = false;
    let mut found = Vec::new();
    for token in significant(tokens) {
        match &token.token {
            Token::Word(word) if after_as => {
                found.push(word.value.clone());
                after_as = false;
            }
            Token::Word(word) => after_as = word.keyword == Keyword::AS,
            _ => after_as = false,
        }
    }
    found
}

/// `offset` is a column of `dead_letter`; the parser would take it for the clause wherever it may end a list.
/// It is the clause only before what can be its number.
pub(crate) fn quote_columns(tokens: &mut [TokenWithSpan]) {
    let mut clause = false;
    for token in tokens.iter_mut().rev() {
        match &mut token.token {
            Token::Whitespace(_) => continue,
            Token::Word(word) if word.keyword == Keyword::OFFSET && !clause => {
                word.keyword = Keyword::NoKeyword;
                word.quote_style = Some('"');
            }
            _ => {}
        }
        clause = matches!(
            token.token,
            Token::Number(..) | Token::LParen | Token::Placeholder(_)
        );
    }
}
