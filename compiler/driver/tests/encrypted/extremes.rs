//! The ends of the types, through `keygen`, `encrypt`, `run` and `decrypt`: what comes out is what `ein run` computes of the same numbers.

use crate::commands::{done, refused};
use crate::folder;
use ein::{TensorRef, io};
use std::path::Path;
use std::process::Command;

/// The results of a program in the clear, in a folder of their own.
fn in_the_clear(folder: &Path, args: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ein"));
    let output = command.current_dir(folder).arg("run").args(args.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
}

fn save<'a>(folder: &Path, name: &str, tensor: impl Into<TensorRef<'a>>) {
    io::save_npy(&folder.join(name), &tensor.into()).unwrap();
}

/// Encrypts `x.npy`, and compares each result, bit for bit, with that in the clear.
fn agree(folder: &Path, source: &str, bounds: &str, results: &[&str]) {
    std::fs::write(folder.join("f.ein"), source).unwrap();
    let _ = std::fs::remove_dir_all(folder.join("mine"));
    done(folder, &format!("keygen f.ein --slots 16 --insecure-toy --keys mine {bounds}"));
    done(folder, "encrypt --keys mine --in x=x.npy -o in.ct");
    done(folder, "run --keys mine --inputs in.ct -o out.ct");
    done(folder, "decrypt --keys mine out.ct --out-dir got");
    in_the_clear(folder, "f.ein --in x=x.npy --out-dir want");
    for name in results {
        let read = |from: &str| std::fs::read(folder.join(from).join(format!("{name}.npy"))).unwrap();
        assert!(read("got") == read("want"), "{name} of {source}");
    }
}

#[test]
fn integers_at_the_ends_of_their_types_are_those_of_the_clear() {
    let folder = folder("extremes");
    // As near to 2^63 as a bound may be that floats compute with.
    let (most, bound) = (9_223_372_000_000_000_000_i64, "--bound x=9223372000000000000");
    save(&folder, "x.npy", &ein::ndarray::array![most, -most, -1, 0, most - 1]);
    agree(&folder, "def f(x: secret i64[5]) -> (y: secret i64[5], n: secret i64[5]) { y[i] = x[i]; n[i] = 0 - x[i]; }", bound, &["y", "n"]);
    let narrow = "def f(x: secret i64[5]) -> (b: secret i8[5], h: secret u32[5], u: secret u64[5]) {
        b[i] = x[i] as i8; h[i] = x[i] as u32; u[i] = x[i] as u64;
    }";
    agree(&folder, narrow, bound, &["b", "h", "u"]);
    save(&folder, "x.npy", &ein::ndarray::array![i64::MIN, 0, 0, 0, 0]);
    refused(&folder, "E0720", "encrypt --keys mine --in x=x.npy -o none.ct");
    refused(&folder, "E0720", "keygen f.ein --slots 16 --insecure-toy --keys none --bound x=9223372036854775808");
    // Sums that wrap in the clear would need more bits.
    let twice = "def f(x: secret i64[5]) -> y: secret i64[5] { y[i] = 3 * x[i]; }";
    std::fs::write(folder.join("f.ein"), twice).unwrap();
    refused(&folder, "E0720", &format!("keygen f.ein --slots 16 --insecure-toy --keys none {bound}"));
    assert!(!folder.join("none").exists() && !folder.join("none.ct").exists());
    std::fs::remove_dir_all(folder).unwrap();
}

/// As residues numbers beyond 2^63 are small negative ones: that is right for integers, and not for reals.
#[test]
fn unsigned_numbers_beyond_half_of_their_type_are_right_or_refused() {
    let folder = folder("unsigned");
    save(&folder, "x.npy", &ein::ndarray::array![u64::MAX, u64::MAX - 8, 0, 9, 1_u64 << 3]);
    let wrapping = "def f(x: secret u64[5]) -> (y: secret u64[5], z: secret u64[5], w: secret u64[5]) {
        y[i] = 7 * x[i]; z[i] = 3 - x[i]; w[i] = x[i] * x[i];
    }";
    agree(&folder, wrapping, "--bound x=9", &["y", "z", "w"]);
    save(&folder, "x.npy", &ein::ndarray::array![1_u64 << 63, 0, 0, 0, 0]);
    refused(&folder, "E0720", "encrypt --keys mine --in x=x.npy -o none.ct");
    save(&folder, "x.npy", &ein::ndarray::array![u64::MAX, 1, 2, 3, 9]);
    std::fs::write(folder.join("f.ein"), "def f(x: secret u64[5]) -> y: secret f64[5] { y[i] = x[i] as f64; }").unwrap();
    done(&folder, "keygen f.ein --slots 16 --insecure-toy --bound x=9 --keys reals");
    refused(&folder, "E0720", "encrypt --keys reals --in x=x.npy -o none.ct");
    save(&folder, "x.npy", &ein::ndarray::array![0_u64, 1, 2, 3, 9]);
    done(&folder, "encrypt --keys reals --in x=x.npy -o in.ct");
    assert!(!folder.join("none.ct").exists());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn reals_of_32_bits_are_as_close_as_was_said() {
    let folder = folder("singles");
    let source = "def f(x: secret f32[4] in -2.0..2.0, a: f32[4] in -2.0..2.0) -> (y: secret f32[4], z: secret f64[4]) {
        y[i] = a[i] * x[i] + 0.25;
        z[i] = (x[i] as f64) * (x[i] as f64);
    }";
    std::fs::write(folder.join("f.ein"), source).unwrap();
    // The ends of the range, the least number of the type, and what no binary fraction is.
    let (x, a) = ([2.0_f32, -2.0, f32::MIN_POSITIVE, 1.0 / 3.0], [1.999_f32, 0.1, -1.0, -1.7]);
    save(&folder, "x.npy", &ein::ndarray::arr1(&x));
    save(&folder, "a.npy", &ein::ndarray::arr1(&a));
    done(&folder, "keygen f.ein --slots 16 --insecure-toy --fraction-bits 16 --keys mine");
    done(&folder, "encrypt --keys mine --in x=x.npy -o in.ct");
    done(&folder, "run --keys mine --inputs in.ct --in a=a.npy -o out.ct");
    done(&folder, "decrypt --keys mine out.ct --out-dir got");
    let load = |name: &str| io::load(folder.join("got").join(name).to_str().unwrap()).unwrap();
    let (y, z) = (load("y.npy"), load("z.npy"));
    let (y, z) = (y.view().as_array::<f32>().unwrap().to_owned(), z.view().as_array::<f64>().unwrap().to_owned());
    let bounds = ein::encrypted::Engine::from_manifest(&std::fs::read_to_string(folder.join("mine/manifest.json")).unwrap()).unwrap();
    let [of_y, of_z] = [0, 1].map(|n| bounds.bounds()[n].error);
    assert!(of_y > 0.0 && of_y < 1e-3 && of_z > 0.0 && of_z < 1e-3, "{of_y} {of_z}");
    for n in 0..4 {
        let (x, a) = (f64::from(x[n]), f64::from(a[n]));
        // A result is rounded once more, to its own type.
        assert!((f64::from(y[[n]]) - (a * x + 0.25)).abs() <= of_y + 1e-6, "{n}: {y}");
        assert!((z[[n]] - x * x).abs() <= of_z, "{n}: {z}");
    }
    save(&folder, "x.npy", &ein::ndarray::array![2.0_f64, -2.0, 0.0, 0.0]);
    done(&folder, "encrypt --keys mine --in x=x.npy -o in.ct");
    save(&folder, "x.npy", &ein::ndarray::array![2.000_000_2_f32, -2.0, 0.0, 0.0]);
    refused(&folder, "E0918", "encrypt --keys mine --in x=x.npy -o none.ct");
    save(&folder, "x.npy", &ein::ndarray::array![f32::NAN, -2.0, 0.0, 0.0]);
    refused(&folder, "E0934", "encrypt --keys mine --in x=x.npy -o none.ct");
    std::fs::remove_dir_all(folder).unwrap();
}
