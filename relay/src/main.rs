//! The relay's program: reads its flags, serves, and stops on SIGINT or SIGTERM.

use std::process::ExitCode;

use chit_relay::{Config, Relay, usage};

#[tokio::main]
async fn main() -> ExitCode {
    let flags: Vec<String> = std::env::args().skip(1).collect();
    if flags.iter().any(|flag| flag == "--help" || flag == "-h") {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    if flags.iter().any(|flag| flag == "--version") {
        println!("chit-relay {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    let config = match Config::read(flags, |name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("chit-relay: {error}");
            return ExitCode::from(2);
        }
    };
    let listen = config.listen.clone();
    let relay = match Relay::bind(config).await {
        Ok(relay) => relay,
        Err(error) => {
            eprintln!("chit-relay: cannot listen on {listen}: {error}");
            return ExitCode::FAILURE;
        }
    };
    // Before the line that says "ready": whoever read it may send a signal at once.
    let stop = match stop_signal() {
        Ok(stop) => stop,
        Err(error) => {
            eprintln!("chit-relay: cannot listen for signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("listening on {}", relay.url());
    match relay.run(stop).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chit-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        // Without a signal handler the program runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}
