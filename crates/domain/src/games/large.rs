//! The large game: nine moves of a player, and the one who only looks.

use super::{Amount, Text};

/// What is for sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ware {
    /// 100 each.
    Sword,
    /// 50 each.
    Shield,
    /// 5 each.
    Potion,
}

impl Ware {
    /// Its name in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sword => "sword",
            Self::Shield => "shield",
            Self::Potion => "potion",
        }
    }

    /// The price of one.
    pub fn price(self) -> u32 {
        match self {
            Self::Sword => 100,
            Self::Shield => 50,
            Self::Potion => 5,
        }
    }
}

/// What a move adds to a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gains {
    /// Levels.
    pub level: u32,
    /// Attack.
    pub attack: u32,
    /// Defense.
    pub defense: u32,
    /// Health.
    pub health: u32,
}

/// How many health points a potion returns.
const POTION_HEALTH: u32 = 10;

/// One of the nine moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// Purchases some of a ware.
    Purchase(Ware, Amount),
    /// Joins a guild.
    JoinGuild(Text),
    /// Finds a treasure.
    FindTreasure,
    /// Is attacked.
    EnemyAttack,
    /// Defeats an enemy.
    DefeatEnemy,
    /// Takes some potions.
    TakePotion(Amount),
    /// Reaches a new level.
    LevelUp,
}

/// What a caller of the large game does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LargeGame {
    /// Looks only.
    Default,
    /// Plays.
    Play {
        /// Who.
        userid: Text,
        /// What.
        act: Move,
    },
}

impl Move {
    /// The name of its event.
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::Purchase(Ware::Sword, _) => "purchase_sword",
            Self::Purchase(Ware::Shield, _) => "purchase_shield",
            Self::Purchase(Ware::Potion, _) => "purchase_potion",
            Self::JoinGuild(_) => "join_guild",
            Self::FindTreasure => "find_treasure",
            Self::EnemyAttack => "enemy_attack",
            Self::DefeatEnemy => "defeat_enemy",
            Self::TakePotion(_) => "take_potion",
            Self::LevelUp => "level_up",
        }
    }

    /// What happened, in the words of its event.
    pub fn description(&self) -> &'static str {
        match self {
            Self::Purchase(Ware::Sword, _) => "very sharp steel sword",
            Self::Purchase(Ware::Shield, _) => "very solid protective shield",
            Self::Purchase(Ware::Potion, _) => "mystical potion with healing powers",
            Self::JoinGuild(_) => "a very large guild",
            Self::FindTreasure => "a small treasure chest of jewels and gold",
            Self::EnemyAttack => "an enemy surprise attack reduces health",
            Self::DefeatEnemy => "the enemy lost the battle",
            Self::TakePotion(_) => "potion returned some health points",
            Self::LevelUp => "an increase in player level, attack, and defense",
        }
    }
}

impl Move {
    /// What it adds to the character; none for moves that are not about that.
    pub fn gains(&self) -> Option<Gains> {
        match self {
            Self::TakePotion(potions) => Some(Gains {
                level: 0,
                attack: 0,
                defense: 0,
                health: POTION_HEALTH * potions.get(),
            }),
            Self::LevelUp => Some(Gains {
                level: 1,
                attack: 200,
                defense: 175,
                health: 100,
            }),
            Self::Purchase(..)
            | Self::JoinGuild(_)
            | Self::FindTreasure
            | Self::EnemyAttack
            | Self::DefeatEnemy => None,
        }
    }
}

impl LargeGame {
    /// The name of its event.
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Play { act, .. } => act.event_type(),
        }
    }

    /// What the caller is told.
    pub fn answer(&self) -> String {
        let Self::Play { userid, act } = self else {
            return "This is the default response!".to_owned();
        };
        match act {
            Move::Purchase(Ware::Sword, n) => {
                format!("USER {userid}: {n}  Sword(s) Purchased!")
            }
            Move::Purchase(Ware::Shield, n) => format!("{n}  Shield(s) Purchased!"),
            Move::Purchase(Ware::Potion, n) => {
                format!("USER {userid}: {n}  Potion(s) Purchased!")
            }
            Move::JoinGuild(guild) => format!("Joined {guild} Guild!"),
            Move::FindTreasure => format!("USER {userid}: Treasure Found!"),
            Move::EnemyAttack => format!("USER {userid}: An enemy attacked!"),
            Move::DefeatEnemy => format!("{userid}: Enemy defeated!"),
            Move::TakePotion(n) => format!("USER {userid}: {n}  Potion(s) Used!"),
            Move::LevelUp => format!("USER {userid}: Leveled Up!"),
        }
    }
}
