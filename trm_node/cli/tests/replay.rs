//! `trm replay` as a person runs it on what is no record; `tests/dds/test_replay.py` runs it on those of a node.

use std::process::Command;

#[test]
fn what_is_no_record_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("drive.plans");
    let refused = |bytes: &[u8], arguments: &[&str], said: &str| {
        std::fs::write(&file, bytes).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_trm")).arg("replay").arg(&file).args(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && error.contains(said), "{said}: {output:?}");
    };
    refused(b"", &[], "was the parameter record_plans true");
    refused(b"\x89MCAP0\r\nand so on", &[], "plan_log.py unpack");
    refused(b"\x09\0\0\0\x89PNG1234!", &[], "this is no record of plans");
    refused(b"\x06\0\0\0TRMP\x63\0", &[], "has format 99");
    refused(b"\x07\0\0\0TRMP\x02\x05\x03", &[], "begins with entry 5, not with 0");
    refused(b"\x07\0\0\0TRMP\x02\0\x09", &[], "kind of entry is 9");
    refused(b"", &["--png", "steps.png"], "--at or --plan");
    refused(b"", &["--bundle", "no/such/bundle"], "no/such/bundle");
    std::fs::remove_file(&file).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_trm")).arg("replay").arg(&file).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("drive.plans"), "{output:?}");
}
