//! P6: what a GET costs the server when every request comes alone.

use super::p5_engine_pipelined::cpu_of_each;
use crate::load::Operation;
use crate::scenario::{Aim, Better, Bound, Figures, Measure, Plot, Rival, Scenario, Trial};
use crate::server::ServerKind;

const GET: &str = "GET CPU us";
const SET: &str = "SET CPU us";

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P6",
    title: "GET and SET without log, server CPU per request, no pipelining",
    how: "The server on one core, the generator on another; 1 M keys with 64-byte values, 50 connections, \
          closed loop.",
    figures: &[GET, SET],
    aims: &[Aim {
        figure: GET,
        rival: Rival::Peer(ServerKind::Redis.name()),
        bound: Bound::AtMost(0.95),
    }],
    plots: &[Plot::Bars {
        figures: &[GET, SET],
        better: Better::Less,
    }],
    rounds_max: u32::MAX,
    expect: |scale| scale.loads(2) + scale.fill(1_000_000),
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    cpu_of_each(trial, &[(GET, Operation::Get, 1), (SET, Operation::Set, 1)])
}
