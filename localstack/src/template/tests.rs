//! Templates as a whole: this repository's own, what is refused and how, and any text at all.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const OWN: &str = include_str!("../../../template.yaml");

/// A template with one function whose `Events` are these.
fn with_events(events: &str) -> String {
    format!(
        "Resources:\n  Api: {{Type: AWS::Serverless::HttpApi}}\n  F:\n    Type: AWS::Serverless::Function\n    \
         Properties:\n      Runtime: provided.al2023\n      Events: {{{events}}}\n"
    )
}

fn kafka(properties: &str) -> String {
    with_events(&format!(
        "K: {{Type: MSK, Properties: {{Stream: !GetAtt C.Arn, StartingPosition: LATEST, {properties}}}}}"
    ))
}

fn parse(text: &str) -> Result<Template, TemplateError> {
    Template::parse(text, &Values::new())
}

fn trigger(properties: &str) -> KafkaTrigger {
    let template = parse(&kafka(properties)).unwrap();
    template.functions[0].triggers[0].clone()
}

#[test]
fn our_own_template() {
    let template = parse(OWN).unwrap();
    let names: Vec<_> = template.apis.iter().map(|api| api.name.as_str()).collect();
    assert!(
        names.starts_with(&["stocks"]) && names.contains(&"lake"),
        "{names:?}"
    );
    let function = |name: &str| {
        template
            .functions
            .iter()
            .find(|function| function.name == name)
            .unwrap()
    };
    assert_eq!(function("exchange").schedules.len(), 2);
    assert_eq!(
        function("exchange").schedules[0].expression,
        "rate(1 minute)"
    );
    assert_eq!(
        function("exchange").schedules[0].input,
        r#"{"exchange":"se1"}"#
    );
    assert_eq!(function("exchange").timeout, Duration::from_secs(90));
    let stocks = function("stocks");
    assert_eq!((stocks.binary.as_str(), stocks.memory_mb), ("stocks", 512));
    assert_eq!(stocks.env["QUOTES"], "simulated");
    assert_eq!(stocks.env["RUST_LOG"], "info");
    assert!(stocks.unresolved_env.contains_key("KAFKA_BROKERS"));
    assert!(stocks.routes.contains(&Route {
        api: "StocksApi".to_owned(),
        method: "POST".to_owned(),
        path: "/{stock}/{action}/{quantity}".to_owned(),
    }));
    let evaluate = function("evaluate");
    assert_eq!(evaluate.triggers[0].consumer_group, "tidemill-evaluate");
    assert_eq!(evaluate.triggers[0].source, EventSource::Msk { arn: None });
    assert_eq!(
        evaluate.triggers[0].batching_window,
        Duration::from_secs(20)
    );
    assert!(!evaluate.triggers[0].report_batch_item_failures);
    let values = Values::from([("Pollers".to_owned(), "provisioned".to_owned())]);
    let provisioned = Template::parse(OWN, &values).unwrap();
    let mut triggers = provisioned.functions.iter().flat_map(|it| &it.triggers);
    assert!(triggers.all(|it| it.report_batch_item_failures));
    assert_eq!(
        evaluate.triggers[0].maximum_retry_attempts, None,
        "a batch given up would be a gap in a chain"
    );
    for topic in [
        "StockExchange",
        "default_call",
        "stock_call",
        "stock_operation",
    ] {
        assert!(template.topics().contains(&topic), "{topic}");
    }
}

#[test]
fn variables_that_the_runner_must_give() {
    let archive = |template: &Template| {
        let mut functions = template.functions.iter();
        functions.find(|it| it.name == "archive").unwrap().clone()
    };
    let template = parse(OWN).unwrap();
    let error = archive(&template)
        .environment(&BTreeMap::new())
        .unwrap_err();
    assert_eq!(error.variable, "LAKE_URL");
    assert!(error.to_string().contains("Lake.Outputs.Bucket"), "{error}");
    let given = [
        ("LAKE_URL", "file:///lake"),
        ("RUST_LOG", "debug"),
        ("UNASKED", "x"),
    ];
    let given = given
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let env = archive(&template).environment(&given).unwrap();
    assert_eq!(
        (env["LAKE_URL"].as_str(), env["RUST_LOG"].as_str()),
        ("file:///lake", "debug")
    );
    assert!(!env.contains_key("UNASKED"));

    let values = Values::from([("LakeBucket".to_owned(), "kept".to_owned())]);
    let template = Template::parse(OWN, &values).unwrap();
    let env = archive(&template).environment(&BTreeMap::new()).unwrap();
    assert_eq!(env["LAKE_URL"], "s3://kept");
}

#[test]
fn triggers_on_brokers_of_ones_own_are_the_same_but_for_their_source() {
    let own = Values::from([
        ("Kafka".to_owned(), "brokers".to_owned()),
        ("KafkaBrokers".to_owned(), "b:1,c:2".to_owned()),
    ]);
    let (ours, theirs) = (parse(OWN).unwrap(), Template::parse(OWN, &own).unwrap());
    let triggers = |template: &Template| -> Vec<KafkaTrigger> {
        let functions = template.functions.iter();
        functions.flat_map(|it| it.triggers.clone()).collect()
    };
    let expected: Vec<_> = triggers(&ours)
        .into_iter()
        .map(|trigger| KafkaTrigger {
            source: EventSource::SelfManaged,
            ..trigger
        })
        .collect();
    assert_eq!(expected.len(), 7);
    assert_eq!(triggers(&theirs), expected);
}

#[test]
fn kafka_triggers_as_declared_and_by_default() {
    let plain = trigger("Topics: [a]");
    assert_eq!(
        (plain.batch_size, plain.batching_window),
        (100, Duration::from_millis(500))
    );
    assert_eq!(plain.consumer_group, "tidemill-F");
    assert_eq!(
        (plain.starting_position, plain.maximum_retry_attempts),
        (StartingPosition::Latest, None)
    );
    let full = trigger(
        "Topics: [b, a], BatchSize: 10000, MaximumBatchingWindowInSeconds: 300, ConsumerGroupId: g, \
         FunctionResponseTypes: [ReportBatchItemFailures], DestinationConfig: {OnFailure: {Destination: 'kafka://x'}}",
    );
    assert_eq!(full.topics, ["a", "b"]);
    assert_eq!(
        (full.batch_size, full.batching_window),
        (10_000, Duration::from_secs(300))
    );
    assert_eq!(full.on_failure, Some(OnFailure::KafkaTopic("x".to_owned())));
    assert_eq!(
        full.maximum_retry_attempts,
        Some(10),
        "with a destination there are at most ten retries"
    );
    assert!(full.report_batch_item_failures);
    assert!(
        parse(&kafka("Topics: [a], Enabled: false"))
            .unwrap()
            .functions[0]
            .triggers
            .is_empty()
    );
}

#[test]
fn what_is_refused_says_where_and_what_is_allowed() {
    for (text, place, allowed) in [
        (kafka("Topics: [a], BatchSize: 10001"), "F: Events.K.BatchSize: 10001", "1 to 10000"),
        (kafka("Topics: [a], BatchSize: 0"), "F: Events.K.BatchSize: 0", "1 to 10000"),
        (kafka("Topics: [a], MaximumBatchingWindowInSeconds: 301"), "Events.K.MaximumBatchingWindowInSeconds: 301", "0 to 300"),
        (kafka("BatchSize: 1"), "Events.K.Topics", "at least one topic"),
        (kafka("Topics: [a], BatchSise: 1"), "Events.K.BatchSise", "BatchSize"),
        (kafka("Topics: [a], FilterCriteria: {}"), "Events.K.FilterCriteria", "here only"),
        (kafka("Topics: ['a b']"), "Events.K.Topics: a b", "letters"),
        (kafka("Topics: [a], FunctionResponseTypes: [Other]"), "FunctionResponseTypes: Other", "ReportBatchItemFailures"),
        (
            kafka("Topics: [a], DestinationConfig: {OnFailure: {Destination: 'arn:aws:sqs:x'}}"),
            "DestinationConfig.OnFailure.Destination: arn:aws:sqs:x",
            "kafka://topic",
        ),
        (
            with_events("K: {Type: MSK, Properties: {Stream: s, Topics: [a], StartingPosition: AT_TIMESTAMP}}"),
            "StartingPosition: AT_TIMESTAMP",
            "TRIM_HORIZON, LATEST",
        ),
        (with_events("S: {Type: SQS}"), "Events.S.Type: SQS", "HttpApi, Schedule"),
        (with_events("S: {Type: Schedule, Properties: {Schedule: hourly}}"), "Events.S.Schedule: hourly", "rate("),
        (
            with_events("S: {Type: Schedule, Properties: {Schedule: rate(1 hour), Input: '{'}}"),
            "Events.S.Input: {",
            "JSON text",
        ),
        (
            with_events("R: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: FETCH, Path: /}}"),
            "Events.R.Method: FETCH",
            "GET",
        ),
        (
            with_events("R: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: no}}"),
            "Events.R.Path: no",
            "{rest+}",
        ),
        (
            with_events("R: {Type: HttpApi, Properties: {ApiId: !Ref Nope, Method: GET, Path: /}}"),
            "ApiId: !Ref Nope",
            "Api",
        ),
        (
            with_events(
                "R: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: '/{a}'}}, \
                 S: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: get, Path: '/{b}'}}",
            ),
            "GET /{b}, which F serves already",
            "once",
        ),
        (
            with_events(
                "A: {Type: SelfManagedKafka, Properties: {Topics: [t]}}, B: {Type: SelfManagedKafka, Properties: {Topics: [t]}}",
            ),
            "Events.B.ConsumerGroupId: tidemill-F, with which A reads t already",
            "of its own",
        ),
        (
            "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, Timeout: 901}}}".to_owned(),
            "F: Timeout: 901",
            "1 to 900",
        ),
        (
            "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.13}}}".to_owned(),
            "F: Runtime: python3.13",
            "provided.al2023",
        ),
        (
            "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, Timeout: !Sub '${open'}}}".to_owned(),
            "F: Timeout: !Sub ${open",
            "its }",
        ),
        (
            "Resources: {M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref F, EventSourceArn: a, Topics: [t]}}}"
                .to_owned(),
            "M: FunctionName: F",
            "of this template",
        ),
        (
            "Resources: {M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref F, Topics: [t]}}}".to_owned(),
            "M: EventSourceArn: neither or both",
            "SelfManagedEventSource",
        ),
        ("Resources: []".to_owned(), "`Resources`", "at least one"),
    ] {
        let error = parse(&text).expect_err(&text).to_string();
        assert!(error.contains(place) && error.contains(allowed), "{error}");
    }
}

#[test]
fn conditions_and_disabled_schedules_leave_things_out() {
    let text = "
Parameters: {Stage: {Type: String, Default: dev}}
Conditions: {IsProd: !Equals [!Ref Stage, prod]}
Globals: {Function: {Runtime: provided.al2023, Environment: {Variables: {A: '1', B: '2'}}}}
Resources:
  Extra: {Type: AWS::Serverless::Function, Condition: IsProd}
  Main:
    Type: AWS::Serverless::Function
    Properties:
      Environment: {Variables: {B: !If [IsProd, three, !Ref AWS::NoValue], C: !Sub '${Stage}-x'}}
      Events:
        On: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour)}}
        Off: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour), State: DISABLED}}
        Out: {Type: Schedule, Properties: {Schedule: rate(1 hour), Enabled: false}}
        Any: {Type: HttpApi}
";
    let template = parse(text).unwrap();
    assert_eq!(template.functions.len(), 1);
    let main = &template.functions[0];
    let env: Vec<_> = main
        .env
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(env, [("A", "1"), ("C", "dev-x")]);
    assert_eq!(
        main.schedules
            .iter()
            .map(|schedule| schedule.id.as_str())
            .collect::<Vec<_>>(),
        ["On"]
    );
    assert_eq!(
        (main.routes[0].method.as_str(), main.routes[0].path.as_str()),
        ("ANY", "$default")
    );
    assert_eq!(template.apis[0].logical_id, "ServerlessHttpApi");
    let prod = Template::parse(
        text,
        &Values::from([("Stage".to_owned(), "prod".to_owned())]),
    )
    .unwrap();
    assert_eq!(prod.functions.len(), 2);
    assert_eq!(prod.functions[1].env["B"], "three");
}

#[test]
fn text_that_is_too_deep_is_an_error() {
    for open in ["[", "{a: ", "!Sub [", "- "] {
        for depth in [40, 1_000, 100_000] {
            assert!(parse(&format!("Resources: {}", open.repeat(depth))).is_err());
            assert!(parse(&open.repeat(depth)).is_err());
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    /// Our own template with a part of it replaced: close enough to get past YAML.
    #[test]
    fn no_damaged_template_panics(
        at in 0..OWN.len(),
        length in 0..40usize,
        with in "[\\[\\]{}!:,'\"$ a-zA-Z0-9\n-]{0,12}",
    ) {
        let start = OWN.floor_char_boundary(at);
        let end = OWN.floor_char_boundary((at + length).min(OWN.len())).max(start);
        let _ = parse(&format!("{}{with}{}", &OWN[..start], &OWN[end..]));
    }
}
