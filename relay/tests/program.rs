//! The program itself: its one line of output, its pages, its signals.

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use chit_client::transport::{CloseReason, RelayEvent};
use chit_relay::Config;
use support::{TestRelay, connect, next};

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chit-relay"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[cfg(unix)]
#[tokio::test]
async fn it_says_where_it_listens_and_stops_on_a_signal() {
    for (signal, setting) in [("INT", ["--listen", "127.0.0.1:0"].as_slice()), ("TERM", &[])] {
        let mut program = Program(program().args(setting).env("CHIT_RELAY_LISTEN", "127.0.0.1:0").spawn().unwrap());
        let mut stdout = BufReader::new(program.0.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").unwrap().trim_end().to_owned();
        assert!(url.starts_with("ws://127.0.0.1:") && url.ends_with("/v1"), "{line}");
        let client = connect(&url, 1).await.unwrap();

        let killed = Command::new("kill").args([format!("-{signal}"), program.0.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let event = next(&client).await;
        assert!(matches!(event, RelayEvent::Closed { reason: CloseReason::Restarting { .. } }), "{event:?}");
        drop(client);
        assert!(program.0.wait().unwrap().success());
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

#[test]
fn mistakes_are_told_and_help_is_given() {
    let run = |args: &[&str]| {
        let output = program().args(args).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let (code, text) = run(&["--listen", "nonsense"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("--listen") && text.contains("HOST:PORT"), "{text}");
    let (code, text) = run(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("--max-connections"), "{text}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, text) = run(&["--listen", &taken.local_addr().unwrap().to_string()]);
    assert_eq!(code, Some(1));
    assert!(text.contains("cannot listen on 127.0.0.1:"), "{text}");
}

#[tokio::test]
async fn health_and_metrics_are_served() {
    let relay = TestRelay::start(Config::default()).await;
    let _client = connect(&relay.url, 1).await.unwrap();
    let (head, body) = relay.get("/health").await;
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("application/json"), "{head}");
    assert!(body.contains("\"status\":\"ok\"") && body.contains("\"clients\":1"), "{body}");
    let (head, body) = relay.get("/metrics").await;
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(body.contains("\nchit_relay_clients 1\n"), "{body}");
    assert!(relay.get("/elsewhere").await.0.contains("404"));
    // Not a WebSocket.
    assert!(relay.get("/v1").await.0.starts_with("HTTP/1.1 4"));
}
