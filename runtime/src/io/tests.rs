use super::*;
use crate::element::Element;
use crate::tensor::Tensor;
use half::{bf16, f16};
use ndarray::{ArrayD, IxDyn, array};
use num_complex::Complex;
use std::fs;
use std::io::Write;

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ein-io-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.file(name), bytes).unwrap();
        self.file(name).display().to_string()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A `.npy` file of version 1 with any header text and elements.
fn npy(dict: &str, elements: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((dict.len() as u16).to_le_bytes());
    bytes.extend(dict.as_bytes());
    bytes.extend(elements);
    bytes
}

fn dict(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

const SHAPES: [&[usize]; 7] = [&[], &[0], &[1], &[5], &[3, 0, 2], &[2, 3, 4], &[1, 1, 1, 1, 2, 1, 1, 1, 1, 3]];

fn every_dtype() -> Vec<Tensor> {
    fn of<T: Element>(value: impl Fn(usize) -> T) -> Vec<Tensor> {
        let size = |shape: &[usize]| shape.iter().product();
        SHAPES.iter().map(|s| Tensor::from_vec(s, (0..size(s)).map(&value).collect()).unwrap()).collect()
    }
    let mut all = of(|i| i % 3 == 1);
    all.extend(of(|i| i as i8 - 100));
    all.extend(of(|i| i as i16 - 1000));
    all.extend(of(|i| i as i32 - 100_000));
    all.extend(of(|i| i as i64 - (1 << 40)));
    all.extend(of(|i| i as u8 + 200));
    all.extend(of(|i| i as u16 + 60_000));
    all.extend(of(|i| i as u32 + (1 << 31)));
    all.extend(of(|i| i as u64 + (1 << 63)));
    all.extend(of(|i| f16::from_f32(i as f32 * 0.5 - 3.0)));
    all.extend(of(|i| bf16::from_f32(i as f32 * 0.5 - 3.0)));
    all.extend(of(|i| i as f32 * 0.1));
    all.extend(of(|i| if i == 2 { f64::NAN } else { i as f64 * 0.1 }));
    all.extend(of(|i| Complex::new(i as f32, -0.5)));
    all.extend(of(|i| Complex::new(-0.5, i as f64)));
    all
}

#[test]
fn npy_round_trips() {
    let folder = Folder::new("npy");
    let path = folder.file("t.npy");
    for t in every_dtype().iter().filter(|t| t.dtype() != DType::BF16) {
        save_npy(&path, &t.into()).unwrap();
        let loaded = load(&show(&path)).unwrap();
        assert_eq!(&loaded.view().to_tensor().unwrap(), t);
        assert_eq!(loaded.view().layout_class(), crate::view::LayoutClass::RowMajor);
    }
    assert_eq!(folder.names(), ["t.npy"]);
}

#[test]
fn npz_round_trips() {
    let folder = Folder::new("npz");
    let path = folder.file("t.npz");
    let all = every_dtype();
    let names: Vec<String> = (0..all.len()).map(|i| format!("layer.{i}")).collect();
    let arrays: Vec<_> = names.iter().zip(&all).filter(|(_, t)| t.dtype() != DType::BF16).map(|(n, t)| (n.as_str(), t.into())).collect();
    save_npz(&path, &arrays).unwrap();
    let bytes = fs::read(&path).unwrap();
    for (name, tensor) in &arrays {
        let loaded = load(&format!("{}:{name}", show(&path))).unwrap();
        assert_eq!(loaded.view().to_tensor().unwrap(), tensor.to_tensor().unwrap());
    }
    save_npz(&path, &arrays).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes, "equal arrays give equal files");
}

#[test]
fn safetensors_round_trips() {
    let folder = Folder::new("safetensors");
    let path = folder.file("t.safetensors");
    let all = every_dtype();
    let names: Vec<String> = (0..all.len()).map(|i| format!("layer:{i}")).collect();
    let arrays: Vec<_> = names.iter().zip(&all).filter(|(_, t)| t.dtype() != DType::C128).map(|(n, t)| (n.as_str(), t.into())).collect();
    save_safetensors(&path, &arrays).unwrap();
    for (name, tensor) in &arrays {
        let loaded = load(&format!("{}:{name}", show(&path))).unwrap();
        assert_eq!(loaded.view().to_tensor().unwrap(), tensor.to_tensor().unwrap());
    }
}

#[test]
fn the_bytes_are_those_of_numpy() {
    let folder = Folder::new("golden");
    let path = folder.file("t.npy");
    save_npy(&path, &(&Tensor::from_slice(&[2], &[1.0f32, -2.0]).unwrap()).into()).unwrap();
    // numpy.save(f, numpy.array([1, -2], "f4"))
    let mut expected = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }".to_vec();
    expected.resize(127, b' ');
    expected.push(b'\n');
    expected.extend(f32s(&[1.0, -2.0]));
    assert_eq!(fs::read(&path).unwrap(), expected);
}

#[test]
fn strided_tensors_are_written_row_major() {
    let folder = Folder::new("strided");
    let path = folder.file("t.npy");
    let a = array![[1i32, 2, 3], [4, 5, 6]];
    save_npy(&path, &a.t().into()).unwrap();
    let loaded = load(&show(&path)).unwrap();
    assert_eq!(loaded.view().as_array::<i32>().unwrap(), a.t().into_dyn());
    assert!(loaded.view().is_row_major());
}

#[test]
fn fortran_order_is_strides() {
    let folder = Folder::new("fortran");
    let spec = folder.write("t.npy", &npy(&dict("<f4", "True", "(2, 3)"), &f32s(&[0., 3., 1., 4., 2., 5.])));
    let loaded = load(&spec).unwrap();
    assert_eq!(loaded.view().strides(), [1, 2]);
    assert_eq!(loaded.view().as_array::<f32>().unwrap(), array![[0f32, 1., 2.], [3., 4., 5.]].into_dyn());
}

#[test]
fn big_endian_is_swapped_by_parts() {
    let folder = Folder::new("endian");
    let spec = folder.write("i.npy", &npy(&dict(">i2", "False", "(2,)"), &[1, 2, 0xff, 0xfe]));
    assert_eq!(load(&spec).unwrap().view().as_slice::<i16>().unwrap(), [0x0102, -2]);
    let parts: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    let spec = folder.write("c.npy", &npy(&dict(">c8", "False", "()"), &parts));
    assert_eq!(load(&spec).unwrap().view().as_slice::<Complex<f32>>().unwrap(), [Complex::new(1.5, -2.0)]);
}

#[test]
fn misaligned_elements_are_copied() {
    let folder = Folder::new("misaligned");
    for pad in 0..8 {
        let header = format!("{}{}", " ".repeat(pad), dict("<f8", "False", "(1,)"));
        let spec = folder.write("t.npy", &npy(&header, &2.5f64.to_le_bytes()));
        let loaded = load(&spec).unwrap();
        assert_eq!(loaded.view().as_slice::<f64>().unwrap(), [2.5]);
    }
}

#[test]
fn odd_bools_become_true() {
    let folder = Folder::new("bools");
    let spec = folder.write("t.npy", &npy(&dict("|b1", "False", "(3,)"), &[0, 1, 7]));
    assert_eq!(load(&spec).unwrap().view().as_slice::<bool>().unwrap(), [false, true, true]);
}

#[test]
fn large_files_are_mapped_and_small_ones_read() {
    let folder = Folder::new("mapped");
    let path = folder.file("t.npy");
    for (n, mapped) in [(10, false), (100_000, true)] {
        let a = ArrayD::from_shape_fn(IxDyn(&[n]), |i| i[0] as f64);
        save_npy(&path, &(&a).into()).unwrap();
        let loaded = load(&show(&path)).unwrap();
        assert_eq!((loaded.is_mapped(), loaded.view().as_array::<f64>().unwrap()), (mapped, a.view()));
    }
}

/// Whatever a hostile file holds, loading it is an error or a tensor.
fn attack(folder: &Folder, name: &str, key: &str, bytes: &[u8]) {
    for end in 0..bytes.len() {
        let spec = folder.write(name, &bytes[..end]);
        let error = load(&format!("{spec}{key}")).expect_err("the file is truncated");
        assert!(error.to_string().contains(name), "{error}");
        assert!(matches!(error.code(), 902 | 904), "{end}: {error}");
    }
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut hostile = bytes.to_vec();
            hostile[at] ^= flip;
            let spec = folder.write(name, &hostile);
            if let Ok(loaded) = load(&format!("{spec}{key}")) {
                drop(loaded.view().to_tensor());
            }
        }
    }
    let spec = folder.write(name, &[bytes, b"x"].concat());
    let trailing = load(&format!("{spec}{key}"));
    // A zip archive may be followed by anything: its directory is found from the end.
    assert!(trailing.is_err() || name.ends_with(".npz"));
}

#[test]
fn truncated_and_damaged_npy() {
    let folder = Folder::new("attack-npy");
    attack(&folder, "t.npy", "", &npy(&dict("<f4", "False", "(2, 3)"), &f32s(&[0., 1., 2., 3., 4., 5.])));
    let path = folder.file("t.npy");
    save_npy(&path, &(&Tensor::scalar(1u8).unwrap()).into()).unwrap();
    let bytes = fs::read(&path).unwrap();
    attack(&folder, "t.npy", "", &bytes);
}

#[test]
fn truncated_and_damaged_npz() {
    let folder = Folder::new("attack-npz");
    let member = npy(&dict("<f4", "False", "(2, 3)"), &f32s(&[0., 1., 2., 3., 4., 5.]));
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file("x.npy", zip::write::SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(&member).unwrap();
        let bytes = archive.finish().unwrap().into_inner();
        let spec = folder.write("whole.npz", &bytes);
        assert_eq!(load(&format!("{spec}:x")).unwrap().view().as_slice::<f32>().unwrap(), [0., 1., 2., 3., 4., 5.]);
        attack(&folder, "t.npz", ":x", &bytes);
    }
}

#[test]
fn truncated_and_damaged_safetensors() {
    let folder = Folder::new("attack-safetensors");
    let path = folder.file("t.safetensors");
    let (x, y) = (Tensor::from_slice(&[2], &[1.0f32, 2.0]).unwrap(), Tensor::from_slice(&[3], &[true, false, true]).unwrap());
    save_safetensors(&path, &[("x", (&x).into()), ("y", (&y).into())]).unwrap();
    let bytes = fs::read(&path).unwrap();
    attack(&folder, "t.safetensors", ":x", &bytes);
    attack(&folder, "t.safetensors", ":y", &bytes);
}

#[test]
fn lies_about_size_are_found_before_memory_is_asked_for() {
    let folder = Folder::new("lies");
    for (shape, code) in [
        ("(1000000000000,)", 902),
        ("(4294967296, 4294967296)", 802),
        ("(18446744073709551615, 3)", 802),
        ("(0, 18446744073709551615, 3)", 802),
        ("(1,)", 902),
        ("(3,)", 902),
    ] {
        let spec = folder.write("t.npy", &npy(&dict("<f4", "False", shape), &f32s(&[0., 1.])));
        let error = load(&spec).unwrap_err();
        assert_eq!((error.code(), error.to_string().contains("t.npy")), (code, true), "{shape}: {error}");
    }
    let spec = folder.write("t.safetensors", &[&u64::MAX.to_le_bytes()[..], b"{}"].concat());
    assert_eq!(load(&format!("{spec}:x")).unwrap_err().code(), 902);
}

#[test]
fn unsupported_types_name_the_file_and_the_type() {
    let folder = Folder::new("types");
    let spec = folder.write("t.npy", &npy(&dict("|O", "False", "(1,)"), b"\x80\x04."));
    let error = load(&spec).unwrap_err();
    assert!(error.to_string().ends_with("t.npy`: the element type `|O` (Python objects) is not supported"), "{error}");
    let c = Tensor::scalar(Complex::new(0.0, 1.0)).unwrap();
    assert_eq!(save_safetensors(&folder.file("c.safetensors"), &[("c", (&c).into())]).unwrap_err().code(), 903);
    assert_eq!(folder.names(), ["t.npy"], "nothing is left of what failed");
}

#[test]
fn what_is_written_through_a_function_appears_whole_or_not_at_all() {
    let folder = Folder::new("through");
    let path = folder.file("parts");
    let written = save_through(&path, |file| {
        (0..3).for_each(|n| file.write_all(&[n; 2]).unwrap());
        Ok::<_, Error>(7)
    });
    assert!(written.unwrap() == 7 && fs::read(&path).unwrap() == [0, 0, 1, 1, 2, 2]);
    let failed = save_through(&path, |file| {
        file.write_all(b"half").unwrap();
        Err::<(), _>(Error::MissingInput { name: "x".to_owned() })
    });
    assert!(matches!(failed, Err(Error::MissingInput { .. })));
    assert!(fs::read(&path).unwrap() == [0, 0, 1, 1, 2, 2]);
    assert_eq!(folder.names(), ["parts"], "nothing is left of what failed");
    let nowhere = save_through(&folder.file("none/parts"), |_| Ok::<_, Error>(()));
    assert!(matches!(nowhere, Err(Error::CannotWrite { .. })));
}

#[test]
fn keys_may_be_left_out_only_where_there_is_one() {
    let folder = Folder::new("keys");
    let t = Tensor::scalar(7i32).unwrap();
    let (one, two) = (folder.file("one.npz"), folder.file("two.npz"));
    save_npz(&one, &[("only", (&t).into())]).unwrap();
    save_npz(&two, &[("weight", (&t).into()), ("bias", (&t).into())]).unwrap();
    assert_eq!(load(&show(&one)).unwrap().view().as_slice::<i32>().unwrap(), [7]);
    assert_eq!(load(&format!("{}:only.npy", show(&one))).unwrap().dtype(), DType::I32);
    let help = |spec: &str| load(spec).unwrap_err().to_diagnostic().help.unwrap();
    assert!(help(&show(&two)).contains("two.npz:"), "{}", help(&show(&two)));
    assert_eq!(help(&format!("{}:wieght", show(&two))), "it has `weight`, `bias`");
}

#[test]
fn specs_split_after_the_archive() {
    let parse = |s| {
        let Spec { path, key } = Spec::parse(s);
        (show(&path), key)
    };
    assert_eq!(parse("dir/x.npy"), ("dir/x.npy".to_owned(), None));
    assert_eq!(parse("a.NPZ:k"), ("a.NPZ".to_owned(), Some("k".to_owned())));
    assert_eq!(parse("m.safetensors:a.npz:b"), ("m.safetensors".to_owned(), Some("a.npz:b".to_owned())));
    assert_eq!(parse("C:\\x.npz"), ("C:\\x.npz".to_owned(), None));
}

#[test]
fn unreadable_and_unknown_files() {
    let folder = Folder::new("unreadable");
    let missing = load(&show(&folder.file("no.npy"))).unwrap_err();
    assert_eq!(missing.to_string(), format!("cannot read `{}`: no such file or directory", show(&folder.file("no.npy"))));
    assert_eq!(load(&show(&folder.0)).unwrap_err().code(), 901);
    assert_eq!(load(&folder.write("x.txt", b"hello")).unwrap_err().code(), 902);
    let spec = folder.write("unnamed", &npy(&dict("<f4", "False", "()"), &f32s(&[1.0])));
    assert_eq!(load(&spec).unwrap().dtype(), DType::F32);
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let folder = Folder::new("unwritable");
    let t = Tensor::scalar(1.0f32).unwrap();
    for path in [folder.file("no/such/t.npy"), folder.0.clone(), PathBuf::from("/")] {
        assert_eq!(save_npy(&path, &(&t).into()).unwrap_err().code(), 909, "{path:?}");
    }
    let twice = [("x", (&t).into()), ("x", (&t).into())];
    assert_eq!(save_npz(&folder.file("t.npz"), &twice).unwrap_err().code(), 909);
    assert_eq!(save_safetensors(&folder.file("t.safetensors"), &twice).unwrap_err().code(), 909);
    assert!(folder.names().is_empty());
}

#[test]
fn an_output_may_be_the_file_that_is_mapped() {
    let folder = Folder::new("replace");
    let path = folder.file("t.npy");
    let a = ArrayD::from_shape_fn(IxDyn(&[100, 200]), |i| (i[0] * 1000 + i[1]) as f64);
    save_npy(&path, &(&a).into()).unwrap();
    let loaded = load(&show(&path)).unwrap();
    save_npy(&path, &loaded.view().permuted(&[1, 0])).unwrap();
    assert_eq!(loaded.view().as_array::<f64>().unwrap(), a.view());
    assert_eq!(load(&show(&path)).unwrap().view().as_array::<f64>().unwrap(), a.t());
}
