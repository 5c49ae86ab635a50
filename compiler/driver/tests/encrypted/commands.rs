//! `ein he keygen`, `encrypt`, `run` and `decrypt`.

use crate::folder;
use ein::costs::{BFV, to_text};
use ein::ndarray::{Array1, Array2, array};
use ein::packed::Costs;
use ein::{TensorRef, io};
use std::path::Path;
use std::process::{Command, Output};

fn ein(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ein")).current_dir(folder).arg("he").args(args).output().unwrap()
}

/// Standard error of a command that must do its work.
pub(crate) fn done(folder: &Path, args: &str) -> String {
    let output = ein(folder, &args.split_whitespace().collect::<Vec<_>>());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args}: {told}");
    told
}

/// Standard error of a command that must be refused with this code.
pub(crate) fn refused(folder: &Path, code: &str, args: &str) {
    let output = ein(folder, &args.split_whitespace().collect::<Vec<_>>());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && told.contains(code), "{args}: {told}");
    assert!(!told.contains("panicked"), "{args}: {told}");
}

const KEYGEN: &str = "keygen --einsum ij,j->i --shape A=3x4:i32 --shape B=4:i32 --secret B --slots 16 --bound A=9 --insecure-toy";

fn arrays(folder: &Path) {
    let (a, b): (Array2<i32>, Array1<i32>) = (array![[1, -2, 3, 4], [9, 9, -9, 9], [0, 0, 0, -1]], array![5, -6, 7, 100]);
    io::save_npy(&folder.join("a.npy"), &TensorRef::from(&a)).unwrap();
    io::save_npy(&folder.join("b.npy"), &TensorRef::from(&b)).unwrap();
}

#[test]
fn commands_encrypt_run_and_decrypt() {
    let folder = folder("commands");
    arrays(&folder);
    let told = done(&folder, &format!("{KEYGEN} --bound B=100 --keys mine"));
    assert!(told.contains("INSECURE") && told.contains("on disk: keys 1 MiB"), "{told}");
    // A plan says the same before there are keys.
    let plan = KEYGEN.replacen("keygen", "plan", 1) + " --bound B=100";
    let planned = ein(&folder, &plan.split_whitespace().collect::<Vec<_>>());
    let planned = String::from_utf8_lossy(&planned.stdout).into_owned();
    assert!(planned.contains("rotations") && planned.contains("INSECURE") && planned.contains("memory: about"), "{planned}");
    std::fs::create_dir(folder.join("theirs")).unwrap();
    for name in ["manifest.json", "evaluation.keys"] {
        std::fs::copy(folder.join("mine").join(name), folder.join("theirs").join(name)).unwrap();
    }
    done(&folder, "encrypt --keys mine --in B=b.npy -o in.ct");
    let told = done(&folder, "run --keys theirs --inputs in.ct --in A=a.npy -o out.ct");
    assert!(told.contains("mulcp") && told.contains("ms each"), "{told}");
    done(&folder, "decrypt --keys mine out.ct --out-dir clear");
    let file = std::fs::read_dir(folder.join("clear")).unwrap().next().unwrap().unwrap().path();
    let loaded = io::load(file.to_str().unwrap()).unwrap();
    let results: Vec<i32> = loaded.view().as_array::<i32>().unwrap().iter().copied().collect();
    assert_eq!(results, [438, 828, -100]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_public_is_computed_before() {
    let folder = folder("public");
    arrays(&folder);
    let program = "def f<N, M>(a: i32[M, N] in -9..9, x: secret i32[N] in -100..100) -> y: secret i32[M] {
        y[m] = sum[n where n <= m](max(a[m, n], 0) * x[n]);
    }";
    std::fs::write(folder.join("f.ein"), program).unwrap();
    let keygen = "keygen f.ein --size N=4 --size M=3 --slots 16 --insecure-toy --keys mine";
    done(&folder, keygen);
    done(&folder, "encrypt --keys mine --in x=b.npy -o in.ct");
    done(&folder, "run --keys mine --inputs in.ct --in a=a.npy -o out.ct");
    refused(&folder, "E0910", "run --keys mine --inputs in.ct --in b=a.npy -o out.ct");
    done(&folder, "decrypt --keys mine out.ct --out-dir clear");
    let loaded = io::load(folder.join("clear/y.npy").to_str().unwrap()).unwrap();
    let results: Vec<i32> = loaded.view().as_array::<i32>().unwrap().iter().copied().collect();
    assert_eq!(results, [5, 9 * 5 - 9 * 6, 0]);
    // Another part in the clear would give other numbers.
    let clear = std::fs::read_to_string(folder.join("mine/clear.tir")).unwrap();
    std::fs::write(folder.join("mine/clear.tir"), format!("{clear}\n")).unwrap();
    refused(&folder, "E0932", "run --keys mine --inputs in.ct --in a=a.npy -o out.ct");
    std::fs::remove_file(folder.join("mine/clear.tir")).unwrap();
    refused(&folder, "E0932", "run --keys mine --inputs in.ct --in a=a.npy -o out.ct");
    std::fs::write(folder.join("g.ein"), program.replace("-100..100", "0..4")).unwrap();
    done(&folder, "keygen g.ein --size N=4 --size M=3 --slots 16 --insecure-toy --keys narrow");
    refused(&folder, "E0918", "encrypt --keys narrow --in x=b.npy -o none.ct");
    std::fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_the_secret_key_and_nobody_replaces_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("owner");
    done(&folder, &format!("{KEYGEN} --bound B=100 --keys mine"));
    let key = folder.join("mine/secret.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&key).unwrap();
    let others = ["public.key", "evaluation.keys", "manifest.json"];
    let read = || others.map(|name| std::fs::read(folder.join("mine").join(name)).unwrap());
    let all = read();
    refused(&folder, "E0909", &format!("{KEYGEN} --bound B=100 --keys mine"));
    assert!(std::fs::read(&key).unwrap() == before && read() == all);
    // Whatever is in the way of another file: no secret key is left without it, and none of the others is replaced.
    std::fs::remove_file(&key).unwrap();
    for (name, other) in [("evaluation.keys", "public.key"), ("public.key", "manifest.json"), ("manifest.json", "evaluation.keys")] {
        let [path, other] = [name, other].map(|name| folder.join("mine").join(name));
        let (aside, before) = (std::fs::read(&path).unwrap(), std::fs::read(&other).unwrap());
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        refused(&folder, "E0909", &format!("{KEYGEN} --bound B=100 --keys mine"));
        assert!(!key.exists() && std::fs::read(&other).unwrap() == before, "{name}");
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, aside).unwrap();
    }
    assert_eq!(std::fs::read_dir(folder.join("mine")).unwrap().count(), 3);
    std::fs::remove_dir_all(folder).unwrap();
}

/// What is decrypted is for its owner alone, in whichever form; a file that was there keeps the permissions that somebody gave it.
#[cfg(unix)]
#[test]
fn only_the_owner_reads_what_is_decrypted() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("results");
    arrays(&folder);
    done(&folder, &format!("{KEYGEN} --bound B=100 --keys mine"));
    done(&folder, "encrypt --keys mine --in B=b.npy -o in.ct");
    done(&folder, "run --keys mine --inputs in.ct --in A=a.npy -o out.ct");
    let mode = |name: &str| std::fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
    for (target, file) in [("clear", "clear/out.npy"), ("all.npz", "all.npz"), ("all.safetensors", "all.safetensors")] {
        done(&folder, &format!("decrypt --keys mine out.ct --out-dir {target}"));
        assert_eq!(mode(file), 0o600, "{file}");
    }
    std::fs::set_permissions(folder.join("all.npz"), std::fs::Permissions::from_mode(0o640)).unwrap();
    done(&folder, "decrypt --keys mine out.ct --out-dir all.npz");
    assert_eq!(mode("all.npz"), 0o640);
    std::fs::remove_dir_all(folder).unwrap();
}

/// A result that no ciphertext holds is named by each command after which somebody may look for it.
#[test]
fn results_that_no_ciphertext_holds_are_named() {
    let folder = folder("open");
    arrays(&folder);
    let program = "def f<N>(x: secret i32[N] in -100..100, w: i32[N] in 0..9) -> (y: secret i32[N], q: i32[N]) {
        y[i] = x[i] * w[i];
        q[i] = w[i] + 1;
    }";
    std::fs::write(folder.join("f.ein"), program).unwrap();
    io::save_npy(&folder.join("w.npy"), &TensorRef::from(&array![1_i32, 2, 3, 4])).unwrap();
    let said = "q: no secret goes into it, and no ciphertext holds it: `ein run` computes it\n";
    for args in [
        "keygen f.ein --size N=4 --slots 16 --insecure-toy --keys mine",
        "run --keys mine --inputs in.ct --in w=w.npy -o out.ct",
        "decrypt --keys mine out.ct --out-dir clear",
    ] {
        let told = done(&folder, args);
        assert_eq!(told.matches(said).count(), 1, "{args}: {told}");
        if args.starts_with("keygen") {
            done(&folder, "encrypt --keys mine --in x=b.npy -o in.ct");
        }
    }
    assert!(!folder.join("clear/q.npy").exists());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn files_that_do_not_fit_are_refused() {
    let folder = folder("refused");
    arrays(&folder);
    refused(&folder, "E0720", &format!("{KEYGEN} --keys mine"));
    done(&folder, &format!("{KEYGEN} --bound B=100 --keys mine"));
    done(&folder, &format!("{KEYGEN} --bound B=99 --keys other"));
    done(&folder, "encrypt --keys mine --in B=b.npy -o in.ct");
    refused(&folder, "E0720", "encrypt --keys other --in B=b.npy -o none.ct");
    refused(&folder, "E0934", "encrypt --keys mine --in B=a.npy -o none.ct");
    refused(&folder, "E0932", "run --keys other --inputs in.ct --in A=a.npy -o none.ct");
    refused(&folder, "E0931", "run --keys mine --inputs a.npy --in A=a.npy -o none.ct");
    refused(&folder, "E0901", "run --keys mine --inputs missing.ct --in A=a.npy -o none.ct");
    let mut bytes = std::fs::read(folder.join("in.ct")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(folder.join("changed.ct"), &bytes).unwrap();
    refused(&folder, "E0931", "run --keys mine --inputs changed.ct --in A=a.npy -o none.ct");
    refused(&folder, "E0931", "decrypt --keys mine in.ct --out-dir none");
    let manifest = std::fs::read_to_string(folder.join("mine/manifest.json")).unwrap();
    std::fs::write(folder.join("mine/manifest.json"), manifest.replace("100.0", "200.0")).unwrap();
    refused(&folder, "E0931", "run --keys mine --inputs in.ct --in A=a.npy -o none.ct");
    assert!(!folder.join("none.ct").exists() && !folder.join("none").exists());
    std::fs::remove_dir_all(folder).unwrap();
}

/// What is longer than a file of the program can be is not read: nobody has memory for whatever somebody sends.
#[test]
fn files_that_are_too_long_are_not_read() {
    let folder = folder("long");
    arrays(&folder);
    done(&folder, &format!("{KEYGEN} --bound B=100 --keys mine"));
    done(&folder, "encrypt --keys mine --in B=b.npy -o in.ct");
    done(&folder, "run --keys mine --inputs in.ct --in A=a.npy -o out.ct");
    let (run, decrypt) = ("run --keys mine --inputs in.ct --in A=a.npy -o none.ct", "decrypt --keys mine out.ct --out-dir none");
    let encrypt = "encrypt --keys mine --in B=b.npy -o none.ct";
    let of_keys = [("mine/evaluation.keys", run), ("mine/secret.key", decrypt), ("mine/public.key", encrypt), ("mine/manifest.json", run)];
    for (file, command) in [("in.ct", run), ("out.ct", decrypt)].into_iter().chain(of_keys) {
        let path = folder.join(file);
        let length = std::fs::metadata(&path).unwrap().len();
        let set = |length: u64| std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        // All zeros behind its end, which the system does not store.
        set(1 << 33);
        let output = ein(&folder, &command.split_whitespace().collect::<Vec<_>>());
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("E0931") && told.contains("8589934592 bytes, ") && told.contains("more than"), "{file}: {told}");
        set(length);
    }
    done(&folder, run.replace("none.ct", "again.ct").as_str());
    std::fs::remove_dir_all(folder).unwrap();
}

/// What the manifest says that a result may be off by is all of it, and a bound that says nothing is a warning whose remedy works.
#[test]
fn errors_are_those_of_rounding_and_of_polynomials() {
    let folder = folder("errors");
    let program = "def p(x: secret f64[4] in -4.0..4.0) -> y: secret f64[4] {
        y[n] = approx(sigmoid, x[n], on = (-4.0, 4.0), degree <= DEGREE);
    }";
    let keys = |degree: u32, bits: u32| {
        std::fs::write(folder.join("p.ein"), program.replace("DEGREE", &degree.to_string())).unwrap();
        let name = format!("keys{degree}.{bits}");
        let told = done(&folder, &format!("keygen p.ein --slots 16 --fraction-bits {bits} --insecure-toy --keys {name}"));
        let manifest = std::fs::read_to_string(folder.join(name).join("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        let number = |key: &str| manifest["outputs"][0][key].as_f64().unwrap();
        (told, number("error"), number("rounding"))
    };
    let (told, error, rounding) = keys(3, 20);
    // A cubic is no closer than that.
    assert!(rounding > 0.0 && rounding < 1e-3 && error - rounding > 0.02, "{error}, {rounding}");
    assert!(!told.contains("warning"), "{told}");
    let (told, error, _) = keys(7, 4);
    assert!(error > 1.0 && told.contains("warning: `y` may be off by") && told.contains("its elements lie in 0"), "{told}");
    let (_, remedy) = told.split_once("`--fraction-bits ").expect("a remedy");
    let (bits, _) = remedy.split_once('`').unwrap();
    let (told, error, _) = keys(7, bits.parse().unwrap());
    assert!(error < 0.1 && !told.contains("warning"), "{told}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// Keys, ciphertexts and the manifest, each cut off somewhere or with a bit of it turned: it is said, and nothing is written.
#[test]
fn no_file_is_a_crash() {
    let folder = folder("fuzz");
    arrays(&folder);
    done(&folder, &format!("{KEYGEN} --bound B=100 --keys mine"));
    done(&folder, "encrypt --keys mine --in B=b.npy -o in.ct");
    done(&folder, "run --keys mine --inputs in.ct --in A=a.npy -o out.ct");
    let encrypt = "encrypt --keys mine --in B=b.npy -o none.ct";
    let (run, decrypt) = ("run --keys mine --inputs in.ct --in A=a.npy -o none.ct", "decrypt --keys mine out.ct --out-dir none");
    let files = [
        ("mine/public.key", encrypt),
        ("mine/evaluation.keys", run),
        ("in.ct", run),
        ("mine/secret.key", decrypt),
        ("out.ct", decrypt),
        ("mine/manifest.json", run),
    ];
    for (file, command) in files {
        let path = folder.join(file);
        let whole = std::fs::read(&path).unwrap();
        let flipped = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            bytes
        };
        // The lengths of parts begin behind the fingerprint and the number of parts.
        for bytes in [whole[..whole.len() / 3].to_vec(), Vec::new(), flipped(9), flipped(51), flipped(whole.len() - 20)] {
            std::fs::write(&path, bytes).unwrap();
            refused(&folder, "E093", command);
        }
        std::fs::write(&path, &whole).unwrap();
    }
    assert!(!folder.join("none").exists() && !folder.join("none.ct").exists());
    done(&folder, decrypt);
    std::fs::remove_dir_all(folder).unwrap();
}

type Change<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

/// Keys and ciphertexts of a stranger who knows their form, which make the library panic, or compute nonsense: an error with a code, and nothing else
/// is said.
#[test]
fn files_of_strangers_are_errors_and_nothing_else_is_said() {
    let folder = folder("strangers");
    arrays(&folder);
    for keys in ["mine", "other"] {
        done(&folder, &format!("{KEYGEN} --bound B=100 --keys {keys}"));
    }
    done(&folder, "encrypt --keys mine --in B=b.npy -o in.ct");
    done(&folder, "run --keys mine --inputs in.ct --in A=a.npy -o out.ct");
    let (run, decrypt) = ("run --keys mine --inputs in.ct --in A=a.npy -o none.ct", "decrypt --keys mine out.ct --out-dir none");
    let encrypt = "encrypt --keys mine --in B=b.npy -o none.ct";
    let files = [("mine/evaluation.keys", 3, 2, run), ("in.ct", 4, 1, run), ("out.ct", 5, 1, decrypt), ("mine/secret.key", 1, 1, decrypt)];
    for (file, kind, n, command) in files.into_iter().chain([("mine/public.key", 2, 1, encrypt)]) {
        let path = folder.join(file);
        let whole = std::fs::read(&path).unwrap();
        let fingerprint = whole[9..41].try_into().unwrap();
        let seal = ein_sealed::Seal { engine: b"ein-bfv\n", kind, fingerprint: &fingerprint };
        // The first one says of which key pair the others are.
        let parts = seal.read(1 + n, &whole).unwrap();
        // Polynomials that say that they are of another form; none at all; one byte more; half of one.
        let form = |part: &[u8]| {
            let mut part = part.to_vec();
            let at = |part: &[u8]| part.windows(3).position(|window| window[0] == 8 && window[1] > 1 && window[1] < 4 && window[2] == 16);
            while let Some(at) = at(&part) {
                part[at + 1] = 1;
            }
            part
        };
        let changes: [Change<'_>; 4] = [&form, &|_| Vec::new(), &|part| [part, &[255]].concat(), &|part| part[..part.len() / 2].to_vec()];
        for (which, change) in changes.into_iter().enumerate() {
            let changed: Vec<Vec<u8>> =
                parts.iter().enumerate().map(|(n, part)| if n == 0 { part.to_vec() } else { change(part) }).collect();
            if changed == parts {
                continue;
            }
            std::fs::write(&path, seal.write(&changed)).unwrap();
            let output = ein(&folder, &command.split_whitespace().collect::<Vec<_>>());
            let told = String::from_utf8_lossy(&output.stderr);
            // A public key that was changed encrypts something else: that is for whoever decrypts to see.
            let may_do = kind == 2 && output.status.success();
            assert!(may_do || told.starts_with("[E093"), "{file} {which}: {told}");
            assert!(!told.contains("panicked"), "{file} {which}: {told}");
        }
        std::fs::write(&path, &whole).unwrap();
    }
    // Whole files of another pair of keys.
    std::fs::copy(folder.join("other/evaluation.keys"), folder.join("mine/evaluation.keys")).unwrap();
    refused(&folder, "E0932", run);
    refused(&folder, "E0932", "decrypt --keys other out.ct --out-dir none");
    done(&folder, "encrypt --keys other --in B=b.npy -o theirs.ct");
    done(&folder, "run --keys mine --inputs theirs.ct --in A=a.npy -o theirs.out.ct");
    refused(&folder, "E0932", "decrypt --keys mine theirs.out.ct --out-dir none");
    assert!(!folder.join("none").exists() && !folder.join("none.ct").exists());
    std::fs::remove_dir_all(folder).unwrap();
}

/// Nothing that leaves the owner, and nothing that is said, has a part of the key or an element in it.
#[test]
fn no_secret_is_in_what_is_shared_or_said() {
    let folder = folder("shared");
    arrays(&folder);
    let b: Array1<i32> = array![48611, -48611, 48611, 0];
    io::save_npy(&folder.join("b.npy"), &TensorRef::from(&b)).unwrap();
    let mut told = done(&folder, &format!("{KEYGEN} --bound B=50000 --keys mine"));
    told += &done(&folder, "encrypt --keys mine --in B=b.npy -o in.ct");
    told += &done(&folder, "run --keys mine --inputs in.ct --in A=a.npy -o out.ct");
    done(&folder, &format!("{KEYGEN} --bound B=40000 --keys narrow"));
    let output = ein(&folder, &"encrypt --keys narrow --in B=b.npy -o none.ct".split_whitespace().collect::<Vec<_>>());
    assert!(!output.status.success());
    told += &String::from_utf8_lossy(&output.stderr);
    assert!(!told.contains("48611"), "{told}");
    let secret = std::fs::read(folder.join("mine/secret.key")).unwrap();
    // Behind what every file has, and before the digest.
    let key = &secret[64..secret.len() - 32];
    for name in ["mine/manifest.json", "mine/public.key", "mine/evaluation.keys", "in.ct", "out.ct"] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(!has(b"48611") && !has(&48611_u64.to_le_bytes()), "{name}");
        // Coefficients are small: a few of them may stand anywhere, not so many.
        assert!(key.chunks_exact(64).take(4).all(|part| !has(part)), "{name}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// From a measurement to a plan, and a plan that is another one where products cost nothing.
#[test]
fn costs_are_measured_and_plans_follow_them() {
    let folder = folder("calibrated");
    let told = done(&folder, "calibrate --slots 16 --out costs.json");
    assert!(told.contains("a rotation takes") && told.contains("wrote costs.json"), "{told}");
    let text = std::fs::read_to_string(folder.join("costs.json")).unwrap();
    let mut costs: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(costs["costs"]["rotation"], 1.0);
    let plan = |costs: &serde_json::Value| {
        std::fs::write(folder.join("costs.json"), costs.to_string()).unwrap();
        let args = "plan --einsum ik,kj->ij --shape A=16x16 --shape B=16x16 --slots 256 --costs costs.json";
        let output = ein(&folder, &args.split_whitespace().collect::<Vec<_>>());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(plan(&costs).contains("rotations"));
    let of = |rotation: f64, products: f64, costs: &mut serde_json::Value| {
        for (name, cost) in [("rotation", rotation), ("hoisted", rotation), ("mulcp", products), ("mulcc", products), ("relin", products)] {
            costs["costs"][name] = cost.into();
        }
        plan(costs)
    };
    assert_ne!(of(1.0, 0.0, &mut costs), of(1e-3, 1.0, &mut costs));
    std::fs::remove_dir_all(folder).unwrap();
}

/// Few rotations and masks, or many rotations and no mask: what is lighter depends on the moduli that numbers and depth ask for.
#[test]
fn keys_are_made_for_the_plan_that_is_lighter_in_its_ring() {
    let folder = folder("lighter");
    std::fs::write(folder.join("reals.json"), to_text(&Costs::default())).unwrap();
    std::fs::write(folder.join("bfv.json"), to_text(&BFV)).unwrap();
    let gram = "--einsum ik,jk->ij --shape A=64x16:i64 --shape B=64x16:i64 --slots 4096";
    let plan = |bound: u32, costs: &str| {
        let args = format!("plan {gram} --bound A={bound} --bound B={bound} {costs}");
        let output = ein(&folder, &args.split_whitespace().collect::<Vec<_>>());
        String::from_utf8(output.stdout).unwrap()
    };
    for (bound, lighter, other) in [(9, "reals.json", "bfv.json"), (10_000, "bfv.json", "reals.json")] {
        let chosen = plan(bound, "");
        assert!(chosen.contains("rotations") && chosen == plan(bound, &format!("--costs {lighter}")), "{bound}: {chosen}");
        assert_ne!(chosen, plan(bound, &format!("--costs {other}")), "{bound}");
    }
    done(&folder, &format!("keygen {gram} --bound A=10000 --bound B=10000 --keys mine"));
    let manifest = std::fs::read_to_string(folder.join("mine/manifest.json")).unwrap();
    let counts = plan(10_000, "").lines().next().unwrap().to_owned();
    assert!(manifest.contains(&counts), "{counts}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// Every refusal of the engine as its users read it: the fact with its values, and what to do.
#[test]
fn refusals_as_they_are_read() {
    let folder = folder("golden");
    arrays(&folder);
    let squares: String = (1..80).map(|n| format!("  x{n}[i] = x{}[i] * x{}[i];\n", n - 1, n - 1)).collect();
    let deep = format!("def deep(x0: secret i64[4]) -> x79: secret i64[4] {{\n{squares}}}\n");
    std::fs::write(folder.join("deep.ein"), deep).unwrap();
    let line = "def line(x: secret f64[4], w: f64[4], b: f64) -> y: secret f64[4] {\n  y[i] = x[i] * w[i] + b;\n}\n";
    std::fs::write(folder.join("line.ein"), line).unwrap();
    let stated = "def stated(x: secret f64[4] in -1.0..1.0) -> y: secret f64[4] within abs 1e-4 {\n  y[i] = x[i] * x[i];\n}\n";
    std::fs::write(folder.join("stated.ein"), stated).unwrap();
    for keys in ["mine", "twin"] {
        done(&folder, &format!("{KEYGEN} --bound B=100 --keys {keys}"));
    }
    done(&folder, &format!("{KEYGEN} --bound B=99 --keys other"));
    done(&folder, "encrypt --keys mine --in B=b.npy -o in.ct");
    done(&folder, "run --keys mine --inputs in.ct --in A=a.npy -o out.ct");
    let dot = "keygen --einsum i,i-> --shape A=8:i64 --shape B=8:i64 --keys none";
    let commands = [
        format!("{dot} --bound A=9"),
        format!("{dot} --bound A=0 --bound B=9"),
        format!("{dot} --bound A=9 --bound B=9 --bound C=9"),
        format!("{dot} --bound A=1e12 --bound B=1e12"),
        format!("{dot} --bound A=9 --bound B=9 --slots 65536"),
        "keygen deep.ein --bound x0=1 --slots 64 --keys none".to_owned(),
        "keygen line.ein --bound x=1 --bound w=1 --bound b=1 --slots 64 --keys none".to_owned(),
        "keygen stated.ein --slots 64 --fraction-bits 8 --insecure-toy --keys none".to_owned(),
        "encrypt --keys mine --in B=a.npy -o none.ct".to_owned(),
        "run --keys mine --inputs a.npy --in A=a.npy -o none.ct".to_owned(),
        "run --keys other --inputs in.ct --in A=a.npy -o none.ct".to_owned(),
        "decrypt --keys twin out.ct --out-dir none".to_owned(),
        format!("{KEYGEN} --bound B=100 --keys none --memory 4MiB"),
        "run --keys mine --inputs in.ct --in A=a.npy -o none.ct --memory 1MiB --threads 1".to_owned(),
    ];
    let mut read = String::new();
    for command in &commands {
        let output = ein(&folder, &command.split_whitespace().collect::<Vec<_>>());
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && told.to_lowercase().contains("help"), "{command}: {told}");
        read += &format!("$ ein he {command}\n{told}\n");
    }
    assert!(!folder.join("none").exists() && !folder.join("none.ct").exists());
    insta::assert_snapshot!(read);
    std::fs::remove_dir_all(folder).unwrap();
}

/// The scores of `examples/logistic`, as its README has it, with keys that are no keys.
#[test]
fn the_example_of_a_regression() {
    let folder = folder("logistic");
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/logistic");
    let program = format!("{examples}/logistic.ein --def score --size N=32 --size D=8");
    done(&folder, &format!("keygen {program} --slots 256 --bound x=4 --bound w=1 --fraction-bits 16 --insecure-toy --keys mine"));
    done(&folder, &format!("encrypt --keys mine --in x={examples}/patients.npy -o in.ct"));
    done(&folder, &format!("run --keys mine --inputs in.ct --in w={examples}/weights.npy -o out.ct"));
    done(&folder, "decrypt --keys mine out.ct --out-dir clear");
    let load = |path: String| io::load(&path).unwrap().view().as_array::<f64>().unwrap().to_owned();
    let (x, w) = (load(format!("{examples}/patients.npy")), load(format!("{examples}/weights.npy")));
    let got = load(folder.join("clear/u.npy").display().to_string());
    for (n, row) in x.outer_iter().enumerate() {
        let score: f64 = row.iter().zip(&w).map(|(x, w)| x * w).sum();
        assert!((score - got[[n]]).abs() <= 1e-3, "patient {n}: {} instead of {score}", got[[n]]);
    }
    std::fs::remove_dir_all(folder).unwrap();
}
