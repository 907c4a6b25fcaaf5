//! Reads a statement: what it may do, where it is wrong, and its identifiers folded so that case does not matter.

use std::ops::ControlFlow;

use sqlparser::ast::{DescribeAlias, Query, SetExpr, Statement, Visit, Visitor};
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::StatementError;
use crate::size::refuse_large;
use crate::tokens::{aliases, fold, operators, quote_columns, significant};

/// No question of an analyst is longer.
const LONGEST: usize = 128 << 10;
/// How deep expressions may nest; the parser recurses.
const DEEPEST: usize = 50;

/// How many operators a statement may have in all.
const MOST_OPERATORS: usize = 500;

/// A statement that may run.
#[derive(Debug)]
pub struct Parsed {
    /// As its author wrote it.
    pub written: Statement,
    /// The same with every identifier in lower case, quoted or not: tables offer their columns so as well.
    pub folded: Statement,
    /// The words that follow an AS, as written: they are names that the author gave.
    pub aliases: Vec<String>,
}

/// Reads one statement, or says why it may not run.
pub fn parse(sql: &str) -> Result<Parsed, StatementError> {
    if sql.len() > LONGEST {
        return Err(StatementError::TooLarge {
            what: "the statement",
            limit: LONGEST,
        });
    }
    let mut tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| StatementError::Syntax {
            message: error.message,
            line: error.location.line.max(1),
            column: error.location.column.max(1),
        })?;
    refuse_by_first_word(&tokens)?;
    refuse_second_statement(&tokens)?;
    refuse_long_chain(&tokens)?;
    quote_columns(&mut tokens);
    let folded = tokens.iter().cloned().map(fold).collect();
    let aliases = aliases(&tokens);
    let written = statement(tokens, sql)?;
    permit(&written)?;
    Ok(Parsed {
        written,
        folded: statement(folded, sql)?,
        aliases,
    })
}

/// What is a statement of its own kind is refused by its first word, so that the answer is the same
/// whether or not this dialect could have read the rest of it.
fn refuse_by_first_word(tokens: &[TokenWithSpan]) -> Result<(), StatementError> {
    use Keyword as K;
    let Some(Token::Word(word)) = significant(tokens).next().map(|t| &t.token) else {
        return Ok(());
    };
    let refused = matches!(
        word.keyword,
        K::ALTER
            | K::ANALYZE
            | K::ATTACH
            | K::BEGIN
            | K::CACHE
            | K::CALL
            | K::CLOSE
            | K::COMMENT
            | K::COMMIT
            | K::COPY
            | K::CREATE
            | K::DEALLOCATE
            | K::DECLARE
            | K::DELETE
            | K::DETACH
            | K::DROP
            | K::END
            | K::EXECUTE
            | K::FETCH
            | K::FLUSH
            | K::GRANT
            | K::INSERT
            | K::INSTALL
            | K::KILL
            | K::LISTEN
            | K::LOAD
            | K::LOCK
            | K::MERGE
            | K::MSCK
            | K::NOTIFY
            | K::OPTIMIZE
            | K::PRAGMA
            | K::PREPARE
            | K::RELEASE
            | K::RENAME
            | K::REPLACE
            | K::RESET
            | K::REVOKE
            | K::ROLLBACK
            | K::SAVEPOINT
            | K::SET
            | K::START
            | K::TRUNCATE
            | K::UNCACHE
            | K::UNLISTEN
            | K::UNLOAD
            | K::UNLOCK
            | K::UPDATE
            | K::USE
            | K::VACUUM
    );
    if refused {
        return Err(StatementError::Forbidden {
            what: word.value.to_uppercase(),
        });
    }
    Ok(())
}

/// A chain of operators is a tree as deep as it is long, and whatever walks the tree recurses.
fn refuse_long_chain(tokens: &[TokenWithSpan]) -> Result<(), StatementError> {
    match operators(tokens).nth(MOST_OPERATORS) {
        None => Ok(()),
        Some(token) => Err(StatementError::Syntax {
            message: format!(
                "the statement is nested too deeply: more than {MOST_OPERATORS} operators"
            ),
            line: token.span.start.line,
            column: token.span.start.column,
        }),
    }
}

fn refuse_second_statement(tokens: &[TokenWithSpan]) -> Result<(), StatementError> {
    let mut ended = false;
    for token in significant(tokens) {
        match token.token {
            Token::SemiColon => ended = true,
            _ if ended => {
                return Err(StatementError::Forbidden {
                    what: "a second statement".to_owned(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

fn statement(tokens: Vec<TokenWithSpan>, sql: &str) -> Result<Statement, StatementError> {
    let mut parser = Parser::new(&GenericDialect {})
        .with_recursion_limit(DEEPEST)
        .with_tokens_with_locations(tokens);
    if parser.peek_token_ref().token == Token::EOF {
        return Err(syntax("the statement is empty".to_owned(), None, sql));
    }
    let statement = parser.parse_statement().map_err(|e| of_parser(e, sql))?;
    while parser.consume_token(&Token::SemiColon) {}
    let next = parser.peek_token_ref();
    if next.token != Token::EOF {
        let message = format!("Expected: end of statement, found: {}", next.token);
        return Err(syntax(message, Some(next.span.start), sql));
    }
    Ok(statement)
}

fn of_parser(error: ParserError, sql: &str) -> StatementError {
    match error {
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => {
            // The parser has no other way to tell the place than the end of its message.
            let place = message.rfind(" at Line: ").and_then(|at| {
                let (line, column) = message[at + " at Line: ".len()..].split_once(", Column: ")?;
                let line = line.parse().ok()?;
                let column = column.parse().ok()?;
                Some((at, Location { line, column }))
            });
            match place {
                Some((at, place)) => syntax(message[..at].to_owned(), Some(place), sql),
                None => syntax(message, None, sql),
            }
        }
        ParserError::RecursionLimitExceeded => {
            syntax("the statement is nested too deeply".to_owned(), None, sql)
        }
    }
}

/// A place that is not known is the end of the text: that is where the parser still expected something.
fn syntax(message: String, place: Option<Location>, sql: &str) -> StatementError {
    let (line, column) = place.filter(|p| p.line > 0).map_or_else(
        || {
            let text = sql.trim_end();
            let last = text.rsplit('\n').next().unwrap_or_default();
            let lines = text.matches('\n').count() + 1;
            (lines as u64, last.chars().count() as u64 + 1)
        },
        |place| (place.line, place.column),
    );
    StatementError::Syntax {
        message,
        line,
        column,
    }
}

fn permit(statement: &Statement) -> Result<(), StatementError> {
    let what = match statement {
        Statement::Query(query) => return permit_query(query),
        Statement::ShowTables { .. }
        | Statement::ExplainTable {
            describe_alias: DescribeAlias::Describe | DescribeAlias::Desc,
            ..
        } => return Ok(()),
        Statement::Explain { statement, .. } => match statement.as_ref() {
            Statement::Query(query) => return permit_query(query),
            other => first_words(other),
        },
        other => first_words(other),
    };
    Err(StatementError::Forbidden { what })
}

fn first_words(statement: &Statement) -> String {
    let text = statement.to_string();
    let words: Vec<&str> = text
        .split_whitespace()
        .take_while(|w| w.chars().all(|c| c.is_ascii_uppercase()))
        .take(2)
        .collect();
    if words.is_empty() {
        "this statement".to_owned()
    } else {
        words.join(" ")
    }
}

fn permit_query(query: &Query) -> Result<(), StatementError> {
    match query.visit(&mut Writes) {
        ControlFlow::Continue(()) => refuse_large(query),
        ControlFlow::Break(what) => Err(StatementError::Forbidden {
            what: what.to_owned(),
        }),
    }
}

/// Finds a write hidden in a query, such as `WITH … INSERT` or `SELECT … INTO`.
struct Writes;

impl Visitor for Writes {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        writes(&query.body)
    }
}

fn writes(body: &SetExpr) -> ControlFlow<&'static str> {
    match body {
        SetExpr::Select(select) if select.into.is_some() => ControlFlow::Break("SELECT INTO"),
        SetExpr::Insert(_) => ControlFlow::Break("INSERT"),
        SetExpr::Update(_) => ControlFlow::Break("UPDATE"),
        SetExpr::Delete(_) => ControlFlow::Break("DELETE"),
        SetExpr::Merge(_) => ControlFlow::Break("MERGE"),
        SetExpr::SetOperation { left, right, .. } => {
            writes(left)?;
            writes(right)
        }
        _ => ControlFlow::Continue(()),
    }
}
