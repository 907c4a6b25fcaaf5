//! Which call a request is: paths and methods.

use domain::games::{Text, Ware};
use http::Method;
use lambda_kit::{Problem, http as requests};

use crate::{parameters, refusals};

/// A call of the Games API; its parameters are not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    /// `/health`
    Health,
    /// `/openapi.json`
    OpenApi,
    /// `/`
    Default,
    /// `/purchase/{item}`
    PurchaseItem(Text),
    /// `/join_a_guild`
    JoinAGuild,
    /// A move of the large game.
    Play(Play),
}

/// A move of the large game by its route alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Play {
    Purchase(Ware),
    JoinGuild,
    FindTreasure,
    EnemyAttack,
    DefeatEnemy,
    TakePotion,
    LevelUp,
}

const READ: &[Method] = &[Method::GET, Method::HEAD];
const READ_AND_POST: &[Method] = &[Method::GET, Method::HEAD, Method::POST];

impl Call {
    fn allowed(&self) -> &'static [Method] {
        match self {
            Self::PurchaseItem(_)
            | Self::JoinAGuild
            | Self::Play(Play::Purchase(_) | Play::JoinGuild | Play::TakePotion) => READ_AND_POST,
            Self::Health
            | Self::OpenApi
            | Self::Default
            | Self::Play(
                Play::FindTreasure | Play::EnemyAttack | Play::DefeatEnemy | Play::LevelUp,
            ) => READ,
        }
    }
}

/// The call that a method and a path make, or what is wrong with them: the route first, then the item, the method
/// last.
pub(crate) fn route(method: &Method, path: &str) -> Result<Call, Problem> {
    let segments = requests::segments(path);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let call = match segments[..] {
        [] => Call::Default,
        ["health"] => Call::Health,
        ["openapi.json"] => Call::OpenApi,
        ["purchase", item] => {
            parameters::require_utf8("item", path)?;
            Call::PurchaseItem(parameters::text("item", item)?)
        }
        ["join_a_guild"] => Call::JoinAGuild,
        ["purchase_a_sword"] => Call::Play(Play::Purchase(Ware::Sword)),
        ["purchase_a_shield"] => Call::Play(Play::Purchase(Ware::Shield)),
        ["purchase_a_potion"] => Call::Play(Play::Purchase(Ware::Potion)),
        ["join_guild"] => Call::Play(Play::JoinGuild),
        ["find_treasure"] => Call::Play(Play::FindTreasure),
        ["enemy_attack"] => Call::Play(Play::EnemyAttack),
        ["defeat_enemy"] => Call::Play(Play::DefeatEnemy),
        ["take_potion"] => Call::Play(Play::TakePotion),
        ["level_up"] => Call::Play(Play::LevelUp),
        _ => return Err(refusals::unknown_route(path)),
    };
    let allowed = call.allowed();
    if allowed.contains(method) {
        Ok(call)
    } else {
        Err(Problem::method_not_allowed(allowed))
    }
}
