//! What charts show, and that text in them stays text.

use chrono::{DateTime, TimeDelta, Utc};

use super::axis::{Numbers, Times};
use super::canvas::PALETTE;
use super::{Series, bars, lines, sparkline};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_647_790_680 + seconds, 0).unwrap()
}

fn labels(numbers: &Numbers) -> Vec<String> {
    numbers
        .ticks()
        .into_iter()
        .map(|tick| numbers.label(tick))
        .collect()
}

#[test]
fn ticks_are_round_numbers_around_the_data() {
    assert_eq!(
        labels(&Numbers::covering(0.0, 37.0, 4)),
        ["0", "10", "20", "30", "40"]
    );
    assert_eq!(
        labels(&Numbers::covering(118.2, 121.9, 4)),
        ["118", "119", "120", "121", "122"]
    );
    let nav = labels(&Numbers::covering(10_650_000.0, 10_820_000.0, 4));
    assert_eq!(nav, ["10.65 M", "10.70 M", "10.75 M", "10.80 M", "10.85 M"]);
    assert!(labels(&Numbers::covering(5.0, 5.0, 4)).len() > 1);
    assert!(labels(&Numbers::covering(0.0, 0.0, 4)).contains(&"0".to_owned()));
    assert_eq!(labels(&Numbers::covering(-5.0, 5.0, 2))[0], "\u{2212}5");
}

#[test]
fn times_are_told_as_finely_as_the_interval_needs() {
    let short = Times::covering(at(0), at(60), 4);
    assert_eq!(short.label(short.ticks()[0]), "15:38:00");
    let long = Times::covering(at(0), at(3600), 6);
    assert!(long.ticks().len() <= 7);
    assert_eq!(long.label(long.ticks()[0]), "15:45");
    assert_eq!(long.name(), "20 Mar 2022, UTC");
    let years = Times::covering(at(0), at(0) + TimeDelta::days(900), 6);
    assert!((2..=7).contains(&years.ticks().len()));
    assert_eq!(Times::covering(at(0), at(0), 3).to, at(60));
}

#[test]
fn charts_name_what_they_show() {
    let points = (0..10).map(|i| (at(i * 20), 100.0 + i as f64)).collect();
    let series = Series {
        name: "IBM".to_owned(),
        points,
    };
    let svg = lines("IBM went up", "price, USD", &[series]);
    for part in [
        "role=\"img\"",
        "<title>IBM went up</title>",
        "price, USD",
        "20 Mar 2022, UTC",
        "currentColor",
        "<polyline",
    ] {
        assert!(svg.contains(part), "{part} in {svg}");
    }
    assert!(!svg.contains("style="));
    let svg = bars(
        "Checks",
        "ticker",
        "calls",
        &[("IBM".to_owned(), 1234.0), ("HPQ".to_owned(), 0.0)],
    );
    for part in [
        "<title>Checks</title>",
        "ticker",
        "calls",
        "1,234",
        "IBM",
        "HPQ",
        "<rect",
    ] {
        assert!(svg.contains(part), "{part} in {svg}");
    }
    assert!(sparkline(&[1.0, 3.5, 2.0]).contains("from 1 to 2, between 1 and 3.50"));
}

#[test]
fn charts_of_nothing_and_of_odd_numbers_can_be_drawn() {
    assert!(lines("Empty", "n", &[]).contains("nothing yet"));
    assert!(bars("Empty", "a", "n", &[]).contains("nothing yet"));
    assert!(sparkline(&[]).contains("<svg"));
    let odd = [f64::NAN, f64::INFINITY, -1e300, 1e300, 0.0];
    let points = odd.iter().map(|y| (at(0), *y)).collect();
    assert!(
        lines(
            "Odd",
            "n",
            &[Series {
                name: "s".to_owned(),
                points
            }]
        )
        .contains("</svg>")
    );
    let values: Vec<_> = odd.iter().map(|y| ("x".to_owned(), *y)).collect();
    assert!(bars("Odd", "a", "n", &values).contains("</svg>"));
    assert!(sparkline(&odd).contains("</svg>"));
}

#[test]
fn markup_in_names_stays_text() {
    let attack = "\"/><script>alert(1)</script>&'";
    let series = |name: &str| Series {
        name: name.to_owned(),
        points: vec![(at(0), 1.0), (at(9), 2.0)],
    };
    let svg = lines(attack, attack, &[series(attack), series("other")])
        + &bars(attack, attack, attack, &[(attack.to_owned(), 1.0)]);
    assert!(!svg.contains("<script"), "{svg}");
    assert!(svg.contains("&lt;script&gt;"));
}

#[test]
fn colours_stand_out_on_white_and_on_near_black() {
    let channel = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    let dark = 0.2126 * channel(0x14) + 0.7152 * channel(0x19) + 0.0722 * channel(0x20);
    for color in PALETTE {
        let light =
            0.2126 * channel(color.0) + 0.7152 * channel(color.1) + 0.0722 * channel(color.2);
        assert!(1.05 / (light + 0.05) >= 3.0, "{color:?} on white");
        assert!(
            (light + 0.05) / (dark + 0.05) >= 3.0,
            "{color:?} on near black"
        );
    }
}
