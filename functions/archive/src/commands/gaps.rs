//! Where chains end, and going on after records that are lost.

use chrono::{DateTime, Utc};
use lake::{Acceptance, Gap, Table};
use tracing::{info, warn};
use wire::commands::{AcceptGap, ChainEnd, Chains, GapAnswer};

use super::{CommandError, table_of};
use crate::Context;

/// The ends of all chains of this life of the log.
pub(super) async fn chains(context: &Context) -> Result<Chains, CommandError> {
    let mut chains = Vec::new();
    for table in Table::all() {
        let Some(topic) = table.topic() else {
            continue;
        };
        let folder = format!("{table}/{}/{topic}", context.epoch);
        let mut partitions: Vec<i32> = context
            .store
            .list_folders(&folder)
            .await?
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect();
        partitions.sort_unstable();
        for partition in partitions {
            let mut chain = context.chain(context.key(table, topic, partition));
            let head = chain.head().await?;
            if head.exists {
                chains.push(ChainEnd {
                    table: table.name().to_owned(),
                    topic: topic.to_owned(),
                    partition,
                    head: head.end,
                });
            }
        }
    }
    Ok(Chains { chains })
}

pub(super) async fn accept(
    context: &Context,
    wish: AcceptGap,
    now: DateTime<Utc>,
) -> Result<GapAnswer, CommandError> {
    let table = table_of(&wish.topic)?;
    let gap = Gap {
        range: wish.first..wish.end,
        accepted_at: now.timestamp_millis(),
        reason: wish.reason,
    };
    let chains = context.chains(table, &wish.topic, wish.partition);
    let accepted = chains.lock().await.table.accept_gap(&gap).await?;
    let (topic, partition) = (wish.topic, wish.partition);
    Ok(match accepted {
        Acceptance::Accepted(Gap { range, reason, .. }) => {
            let (first, end) = (range.start, range.end);
            warn!(%table, topic, partition, first, end, reason, "gap accepted");
            GapAnswer {
                accepted: true,
                head: end,
            }
        }
        Acceptance::NotThere { head } => {
            info!(%table, topic, partition, head, "no such gap");
            GapAnswer {
                accepted: false,
                head,
            }
        }
    })
}
