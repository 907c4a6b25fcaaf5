//! Names of the answer's columns: what the author wrote, not what the planner made of it.

use std::collections::HashSet;

use sqlparser::ast::{Expr, Ident, Query, SelectItem, SetExpr, Statement};

use crate::parse::Parsed;
use crate::spelling::Spelling;

/// The shown names of the answer's columns, by position, or `None` where a wildcard makes positions unknown.
pub type Shown = Option<Vec<Option<String>>>;

/// Says what each column of the outermost projection is called, an unnamed expression by its own text, and names
/// those apart that would be called the same, so that `count(*), COUNT(*)` are two columns and not an error.
pub fn name_columns(parsed: &mut Parsed, spelling: &Spelling) -> Shown {
    let (Statement::Query(written), Statement::Query(folded)) =
        (&parsed.written, &mut parsed.folded)
    else {
        return None;
    };
    let written = projection(written)?;
    let folded = projection_mut(folded)?;
    let mut taken = HashSet::new();
    let mut shown = Vec::with_capacity(written.len());
    let mut spread = false;
    for (written, folded) in written.iter().zip(folded) {
        let name = match written {
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
            SelectItem::UnnamedExpr(expr) => match column_of(expr) {
                Some(column) => {
                    let column = column.value.to_lowercase();
                    Some(spelling.of(&column).to_owned())
                }
                None => Some(expr.to_string()),
            },
            _ => None,
        };
        spread |=
            name.is_none() || matches!(written, SelectItem::UnnamedExpr(expr) if spreads(expr));
        let unique = name.clone().map(|name| free(name, &mut taken));
        if let (SelectItem::UnnamedExpr(expr), Some(unique)) = (&*folded, &unique)
            && name.as_ref() != Some(unique)
        {
            *folded = SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias: Ident::with_quote('"', unique.clone()),
            };
        }
        shown.push(unique);
    }
    (!spread).then_some(shown)
}

/// Makes names of the answer unique: the second `price` is `price_1`.
pub fn distinct(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut taken = HashSet::new();
    names.into_iter().map(|n| free(n, &mut taken)).collect()
}

fn free(name: String, taken: &mut HashSet<String>) -> String {
    if taken.insert(name.to_lowercase()) {
        return name;
    }
    let mut number = 1_u32;
    loop {
        let candidate = format!("{name}_{number}");
        if taken.insert(candidate.to_lowercase()) {
            return candidate;
        }
        number += 1;
    }
}

fn column_of(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(parts) => parts.last(),
        Expr::Nested(inner) => column_of(inner),
        _ => None,
    }
}

/// `unnest` of a struct makes several columns of one expression.
fn spreads(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("unnest"))
}

fn projection(query: &Query) -> Option<&Vec<SelectItem>> {
    let mut body = query.body.as_ref();
    loop {
        match body {
            SetExpr::Select(select) => return Some(&select.projection),
            SetExpr::Query(query) => body = query.body.as_ref(),
            SetExpr::SetOperation { left, .. } => body = left.as_ref(),
            _ => return None,
        }
    }
}

fn projection_mut(query: &mut Query) -> Option<&mut Vec<SelectItem>> {
    let mut body = query.body.as_mut();
    loop {
        match body {
            SetExpr::Select(select) => return Some(&mut select.projection),
            SetExpr::Query(query) => body = query.body.as_mut(),
            SetExpr::SetOperation { left, .. } => body = left.as_mut(),
            _ => return None,
        }
    }
}
