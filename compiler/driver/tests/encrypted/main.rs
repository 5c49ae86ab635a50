//! Encrypted programs: as two processes, as commands, and planned ones against the slot simulator. Behind the feature `he-bfv`.

#![cfg(feature = "he-bfv")]

#[cfg(test)]
mod commands;
#[cfg(test)]
mod extremes;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod plans;

#[path = "../../../../examples/encrypted/client.rs"]
#[expect(unreachable_pub, dead_code, reason = "there it is a program of its own")]
mod client;
#[path = "../../../../examples/encrypted/server.rs"]
#[expect(unreachable_pub, dead_code, reason = "there it is a program of its own")]
mod server;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Says that this process is the server, and for which folder.
const SERVER: &str = "EIN_TEST_SERVER";

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("encrypted-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a new folder");
    folder
}

/// What the other process runs; in this one nothing.
#[test]
fn server_process() {
    if let Some(shared) = std::env::var_os(SERVER) {
        server::serve(Path::new(&shared)).unwrap();
    }
}

#[test]
fn a_server_without_the_key_computes_what_the_client_decrypts() {
    let folder = folder("processes");
    let (own, shared) = (folder.join("own"), folder.join("shared"));
    client::ask(&own, &shared).unwrap();
    let names: Vec<_> = std::fs::read_dir(&shared).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.len() == 3 && !names.iter().any(|name| name.contains("secret")), "{names:?}");
    // The secret key is nowhere that the server may look.
    let hidden = folder.join("hidden");
    std::fs::rename(&own, &hidden).unwrap();
    let server = Command::new(std::env::current_exe().unwrap()).args(["--exact", "server_process"]).env(SERVER, &shared).output().unwrap();
    assert!(server.status.success(), "{}", String::from_utf8_lossy(&server.stderr));
    let (x, w) = (client::secret(), server::weights());
    let expected: Vec<i64> = w.chunks(x.len()).map(|row| row.iter().zip(&x).map(|(w, x)| w * x).sum()).collect();
    assert_eq!(client::read_scores(&hidden, &shared).unwrap(), expected);
    std::fs::remove_dir_all(folder).unwrap();
}
