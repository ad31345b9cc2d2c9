//! Bytes, sizes and spill files.

use super::harness::{Call, SHELLS};

#[test]
fn bytes_are_exact() {
    for shell in SHELLS.iter() {
        let answer = Call::sh(r"printf '\377\376x\000\r\n\000'; printf '\200' >&2").run(shell);
        assert_eq!(answer.ran().stdout.head, b"\xff\xfex\0\r\n\0", "{shell:?}");
        assert_eq!(answer.ran().stderr.head, b"\x80");
    }
}

#[test]
fn sizes_around_every_limit() {
    for shell in SHELLS.iter() {
        for (head, tail) in [
            (0, 0),
            (1, 0),
            (0, 1),
            (10, 5),
            (4000, 95),
            (4000, 96),
            (5000, 5000),
        ] {
            let limit = head + tail;
            for size in [1, limit.max(2) - 1, limit, limit + 1, 4095, 4096, 4097] {
                let line = format!("head -c {size} /dev/zero | tr '\\0' a | sed 's/a$/z/'");
                let mut call = Call::sh(&line);
                (call.head, call.tail) = (head, tail);
                let answer = call.run(shell);
                let out = &answer.ran().stdout;
                assert_eq!(
                    out.total,
                    Some(size),
                    "{shell:?} {head}+{tail} {size}: {}",
                    answer.raw
                );
                let cut = size > limit;
                assert_eq!(out.spill.is_some(), cut);
                let (want_head, want_tail) = if cut { (head, tail) } else { (size, 0) };
                assert_eq!(
                    (out.head.len() as u64, out.tail.len() as u64),
                    (want_head, want_tail)
                );
                let whole = [out.head.as_slice(), &out.tail].concat();
                if !cut || tail > 0 {
                    assert!(size == 0 || whole.last() == Some(&b'z'));
                }
                match &out.spill {
                    Some(path) => {
                        assert_eq!(std::fs::metadata(path).unwrap().len(), size);
                        assert!(!answer.files().iter().any(|file| file.ends_with(".e")));
                    }
                    None => answer.assert_no_file_left(),
                }
            }
        }
    }
}

#[test]
fn a_hundred_mebibytes_are_cut_and_kept() {
    const SIZE: u64 = 100 << 20;
    let call = Call::sh("head -c 104857599 /dev/zero; echo; head -c 200000 /dev/zero >&2");
    let answer = call.run(&["sh"]);
    let (out, err) = (&answer.ran().stdout, &answer.ran().stderr);
    assert_eq!((out.total, err.total), (Some(SIZE), Some(200_000)));
    assert_eq!((out.head.len(), out.tail.len()), (65_536, 65_536));
    assert_eq!(out.tail.last(), Some(&b'\n'));
    // What is sent does not grow with the output.
    assert!(answer.raw.len() < 400_000);
    assert_eq!(
        std::fs::metadata(out.spill.as_ref().unwrap())
            .unwrap()
            .len(),
        SIZE
    );
    assert!(err.spill.is_some());
}

#[test]
fn a_command_that_removes_its_own_spill_files_is_not_silent() {
    for shell in SHELLS.iter() {
        let answer = Call::sh("echo gone; rm -rf \"$TMPDIR/.denv\"; exit 5").run(shell);
        assert_eq!(answer.ran().status, 5, "{shell:?}");
        assert_eq!(answer.ran().stdout.total, None);
    }
}

#[test]
fn without_base64_the_output_is_exact_too() {
    for shell in SHELLS.iter() {
        let mut call = Call::sh("seq 1 5000; printf '\\377'");
        call.patch = Some(("command -v base64", "command -v no-such-program"));
        let mut want: Vec<u8> = (1..=5000)
            .flat_map(|n| format!("{n}\n").into_bytes())
            .collect();
        want.push(0xff);
        assert!(call.run(shell).ran().stdout.head == want, "{shell:?}");
        (call.head, call.tail) = (7, 3000);
        let answer = call.run(shell);
        let out = &answer.ran().stdout;
        assert_eq!(out.head, b"1\n2\n3\n4"[..7], "{shell:?}");
        assert_eq!(out.tail, want[want.len() - 3000..]);
    }
}
