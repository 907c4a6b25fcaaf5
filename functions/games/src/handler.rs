//! One request: route it, read its parameters, publish its event, answer.

use domain::games::{LargeGame, Move, SmallGame};
use http::{Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::{Problem, http as requests};
use serde_json::json;
use stream::publish_event;
use thiserror::Error;
use wire::GameEvent;

use crate::parameters::Asked;
use crate::route::{Call, Play, route};
use crate::{Context, answers};

/// Why a request could not be answered at all.
#[derive(Debug, Error)]
pub enum Error {
    /// An answer could not be written.
    #[error("the answer cannot be written as JSON")]
    Answer(#[from] serde_json::Error),
}

/// Answers a request. Problems are answers too, not errors.
pub async fn handle(request: Request, context: &Context) -> Result<Response<Body>, Error> {
    let response = match route(request.method(), requests::path(&request)) {
        Ok(Call::Health) => requests::json(StatusCode::OK, &json!({"status": "ok"}))?,
        Ok(Call::OpenApi) => {
            requests::content(StatusCode::OK, "application/json", answers::OPENAPI)
        }
        Ok(call) => played(call, &request, context)
            .await
            .unwrap_or_else(Problem::into_response),
        Err(problem) => problem.into_response(),
    };
    Ok(requests::answer(request.method(), response))
}

async fn played(
    call: Call,
    request: &Request,
    context: &Context,
) -> Result<Response<Body>, Problem> {
    let (event, answer) = match call {
        Call::PurchaseItem(item) => small(SmallGame::Purchase(item)),
        Call::JoinAGuild => small(SmallGame::JoinGuild),
        Call::Play(play) => large(game(play, &Asked::of(request)?)?),
        Call::Default | Call::Health | Call::OpenApi => large(LargeGame::Default),
    };
    let headers = wire::event_headers(requests::headers(request));
    let storing = publish_event(context.publisher.as_ref(), &event, &headers);
    requests::stored(request, storing).await?;
    Ok(answers::told(answer))
}

fn small(game: SmallGame) -> (GameEvent, String) {
    let answer = game.answer();
    (GameEvent::Small(game), answer)
}

fn large(game: LargeGame) -> (GameEvent, String) {
    let answer = game.answer();
    (GameEvent::Large(game), answer)
}

fn game(play: Play, asked: &Asked) -> Result<LargeGame, Problem> {
    let userid = asked.userid()?;
    let act = match play {
        Play::Purchase(ware) => Move::Purchase(ware, asked.amount()?),
        Play::JoinGuild => Move::JoinGuild(asked.guild_name()?),
        Play::FindTreasure => Move::FindTreasure,
        Play::EnemyAttack => Move::EnemyAttack,
        Play::DefeatEnemy => Move::DefeatEnemy,
        Play::TakePotion => Move::TakePotion(asked.amount()?),
        Play::LevelUp => Move::LevelUp,
    };
    Ok(LargeGame::Play { userid, act })
}
