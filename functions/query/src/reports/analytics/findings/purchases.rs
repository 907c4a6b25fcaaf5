//! What is purchased in the small game, through whom, and how that compares with joining guilds.

use super::super::data::Stored;
use super::{Answers, Finding, Ranked, counted, percent, ranked, rows, times};
use crate::catalogue::Grid;
use crate::figures;

pub(super) fn findings(answers: &Answers, stored: &[Stored]) -> Vec<Finding> {
    let total = rows(stored, "purchases");
    let joins = rows(stored, "join_guild");
    let mut findings = Vec::new();
    if total == 0.0 {
        findings.push(Finding::new(
            "Nothing has been purchased in the small game yet.",
            "Make some purchases with tidemill load purchases, or open the game to players.",
        ));
    } else {
        findings.push(match answers.grid("purchases-by-type") {
            Some(grid) => items(&ranked(grid, "event_type", "purchase_count"), total),
            None => Finding::unknown("what is purchased"),
        });
        findings.push(match answers.grid("purchases-by-provider") {
            Some(grid) => providers(grid, total),
            None => Finding::unknown("where purchases come from"),
        });
    }
    findings.push(guilds(joins, total));
    findings
}

fn items(types: &[Ranked], total: f64) -> Finding {
    let name = |of: &Ranked| of.name.trim_end_matches(" purchased").to_owned();
    let Some(first) = types.first() else {
        return Finding::unknown("what is purchased");
    };
    let mut sentence = format!(
        "“{}” is purchased most: {} of {} ({})",
        name(first),
        figures::short(first.number),
        counted(total, "purchase", "purchases"),
        percent(first.number, total)
    );
    let Some(second) = types.get(1) else {
        sentence.push_str("; nothing else is.");
        return Finding::new(sentence, "Show players that there is more to have.");
    };
    sentence.push_str(&format!(
        ", {} as the second, “{}” ({}).",
        times(first.number, second.number),
        name(second),
        figures::short(second.number)
    ));
    let advice = match types.last() {
        Some(last) if types.len() > 2 => format!(
            "Sell “{}” together with “{}”, which is purchased least ({}).",
            name(first),
            name(last),
            figures::short(last.number)
        ),
        _ => format!("Sell “{}” and “{}” together.", name(first), name(second)),
    };
    Finding::new(sentence, advice)
}

fn providers(grid: &Grid, total: f64) -> Finding {
    let mut known: Vec<Ranked> = Vec::new();
    for row in ranked(grid, "host_provider", "purchase_count") {
        match known.iter_mut().find(|provider| provider.name == row.name) {
            Some(provider) => provider.number += row.number,
            None => known.push(row),
        }
    }
    known.sort_by(|a, b| b.number.total_cmp(&a.number));
    let of_known: f64 = known.iter().map(|provider| provider.number).sum();
    let unknown = total - of_known;
    let Some(first) = known.first() else {
        return Finding::new(
            format!(
                "None of the {} comes from a host of a known provider.",
                counted(total, "purchase", "purchases")
            ),
            "Look at the Host column: the game may be called by an address that tells nothing of its players.",
        );
    };
    let mut sentence = format!(
        "More purchases come through {} than through any other provider: {} of {} ({})",
        first.name,
        figures::short(first.number),
        figures::short(total),
        percent(first.number, total)
    );
    if unknown > 0.0 {
        sentence.push_str(&format!(
            "; {} ({}) through none of the six known providers",
            figures::short(unknown),
            percent(unknown, total)
        ));
    }
    sentence.push('.');
    let advice = if unknown > of_known {
        "Add the providers that are missing before anything is concluded from this.".to_owned()
    } else {
        format!(
            "Advertise through {} first, and measure there whether it pays.",
            first.name
        )
    };
    Finding::new(sentence, advice)
}

fn guilds(joins: f64, total: f64) -> Finding {
    if joins == 0.0 {
        return Finding::new(
            "Nobody has joined a guild in the small game yet.",
            "Ask players to join after their first purchase.",
        );
    }
    let sentence = format!(
        "A guild was joined {}, against {}.",
        counted(joins, "time", "times"),
        counted(total, "purchase", "purchases")
    );
    let advice = if joins > total {
        "Players gather more than they spend: offer guilds something to purchase together."
    } else {
        "Players spend more than they gather: make joining a part of the purchase."
    };
    Finding::new(sentence, advice)
}
