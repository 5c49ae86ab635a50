//! Pictures of plans: what they say, that they are well-formed and refer to nothing, and that nothing in them is what a user wrote but text.

use ein::network::{self, NamedNetwork};
use ein::{Compiler, DType, Picture};
use ein_opt::path::{Budget, Found, Objective, Sliced};
use ein_tests::cases::{Case, files};
use std::time::SystemTime;

/// `A * B` is shared, and read twice by one step.
const PROGRAM: &str = "def shared<N, M>(A: f32[N, M], B: f32[M, N], w: f32[N]) -> (s: f32[N], t: f32) {
  p[i, j] = A[i, k] * B[k, j];
  s[i] = max[j](p[i, j]) * w[i];
  t = sum[i, j](p[i, j] * p[j, i]);
}";

fn picture(source: &str, def: &str, sizes: &[(&str, i64)], limit: Option<u64>) -> Picture {
    let compiler = limit.into_iter().fold(Compiler::new(), Compiler::memory_limit);
    let made = compiler.compile(source).and_then(|program| program.picture(def, sizes));
    made.unwrap_or_else(|e| panic!("{}", e.render(false)))
}

/// A page without its style and script, which are the same in all of them, and without the text of kernels, which is a stage of its own.
fn content(page: &str) -> String {
    let mut rest = page;
    let mut out = String::new();
    for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
        let (before, after) = rest.split_once(open).expect("a page has it");
        let (_, after) = after.split_once(close).expect("it ends");
        out.push_str(before);
        rest = after;
    }
    out.push_str(rest);
    let parts = out.split("<pre>").enumerate();
    let parts = parts.map(|(n, part)| if n == 0 { part } else { part.split_once("</pre>").map_or(part, |(_, after)| after) });
    parts.collect::<String>().replace("><", ">\n<")
}

#[test]
fn a_tree() {
    insta::assert_snapshot!(content_of_svg(&picture(PROGRAM, "shared", &[("N", 32), ("M", 64)], None).svg()));
}

fn content_of_svg(svg: &str) -> String {
    let (before, after) = svg.split_once("<style>").expect("a drawing has it");
    let (_, after) = after.split_once("</style>").expect("it ends");
    format!("{before}{after}").replace("><", ">\n<")
}

#[test]
fn a_page() {
    insta::assert_snapshot!(content(&picture(PROGRAM, "shared", &[("N", 32), ("M", 64)], Some(1 << 14)).html()));
}

/// Every drawing in a page or a document is well-formed XML.
#[track_caller]
fn assert_drawings_are_well_formed(text: &str) {
    let drawings: Vec<&str> = text.split("<svg").skip(1).filter_map(|part| part.split_once("</svg>")).map(|(drawing, _)| drawing).collect();
    assert!(!drawings.is_empty());
    for drawing in drawings {
        let xml = format!("<svg{drawing}</svg>");
        roxmltree::Document::parse(&xml).unwrap_or_else(|e| panic!("{e}: {xml}"));
    }
}

/// What could lead a browser elsewhere: an address, a loaded file, an import.
#[track_caller]
fn assert_nothing_outside(text: &str) {
    let own = text.replace("xmlns=\"http://www.w3.org/2000/svg\"", "").replace("http-equiv", "");
    for sign in ["http", "//", "src=", "@import", "url(", "<link", "<img", "<iframe", "<object", "xlink", "data:"] {
        // Comments of the script have two strokes.
        let found = own.split(sign).skip(1).find(|after| sign != "//" || !after.starts_with(' '));
        assert!(found.is_none(), "{sign}{}", found.unwrap_or_default().chars().take(80).collect::<String>());
    }
    let links = own.split("href=\"").skip(1).filter(|link| !link.starts_with('#')).count();
    assert_eq!(links, 0);
}

#[test]
fn pictures_refer_to_nothing_outside() {
    let program = picture(PROGRAM, "shared", &[("N", 32), ("M", 64)], None);
    let (network, found, sliced) = planned(&network_of("outside", &ring(30)), None);
    let network = of_network(&network, &found, &sliced, None);
    for picture in [program, network] {
        for text in [picture.svg(), picture.html()] {
            assert_nothing_outside(&text);
            assert_drawings_are_well_formed(&text);
        }
    }
}

#[test]
fn pictures_are_the_same_every_time() {
    let make = || picture(PROGRAM, "shared", &[("N", 32), ("M", 64)], None);
    assert_eq!((make().svg(), make().html()), (make().svg(), make().html()));
    let text = make().html();
    let year = 1970 + SystemTime::UNIX_EPOCH.elapsed().map_or(0, |d| d.as_secs()) / 31_556_952;
    assert!(!text.contains(&year.to_string()) && !text.contains("0x"), "a time or an address");
}

/// Recurrences are drawn apart; a program that computes nothing, or nothing that takes memory, has a picture too.
#[test]
fn every_kind_of_step_has_a_picture() {
    let steps = "def f<T, N>(x: f64[T, N], a: f64[N, N]) -> (y: f64[T, N], q: f64[N, N]) {
  scan t: T {
    h[i] = a[i, j] * prev h[j] + x[t, i] from 0.0;
    y[t, i] = h[i];
  }
  (q, r) = qr(a);
}";
    let text = picture(steps, "f", &[("T", 3), ("N", 4)], None).html();
    assert!(text.contains("One of 3 turns of t") && text.contains("previous turn") && text.contains("qr("), "{}", content(&text));
    assert_drawings_are_well_formed(&text);
    for (source, sizes) in [
        ("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; }", [("N", 0)].as_slice()),
        ("def f(x: f32) -> y: f32 { y = x; }", &[]),
        ("def f<N>(x: f32[N]) -> y: f32 { y = sum[i](x[i]); }", &[("N", 0)]),
    ] {
        let picture = picture(source, "f", sizes, None);
        assert_drawings_are_well_formed(&picture.html());
        assert_drawings_are_well_formed(&picture.svg());
    }
}

/// Every row has its node, once: links lead somewhere.
#[test]
fn every_case_has_a_picture() {
    for path in files("language") {
        let case = Case::read(&path);
        if case.stages.iter().all(|stage| stage == "ast" || stage == "tir") {
            continue;
        }
        let program = Compiler::new().compile(&case.source).unwrap_or_else(|e| panic!("{}", e.render(false)));
        let def = program.main_def().expect("a definition").name().to_owned();
        let picture = program.picture(&def, &case.sizes()).unwrap_or_else(|e| panic!("{}: {}", path.display(), e.render(false)));
        let html = picture.html();
        assert_drawings_are_well_formed(&html);
        assert_drawings_are_well_formed(&picture.svg());
        assert!(!html.contains("NaN") && !html.contains("infpx"), "{}", path.display());
        for row in 0..html.matches("id=\"row-").count() {
            assert_eq!(html.matches(&format!("id=\"node-{row}\"")).count(), 1, "{}: row {row}", path.display());
            assert_eq!(html.matches(&format!("id=\"row-{row}\"")).count(), 1, "{}: row {row}", path.display());
        }
    }
}

const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"onload=\"alert(1)",
    "'><img src=x>",
    "</svg></style>",
    "]]>&#0;\u{0}\u{1}\u{7f}",
    "\u{202e}\u{2066}evil",
];

#[test]
fn what_users_wrote_is_text() {
    let labels: Vec<String> = HOSTILE.iter().map(|label| serde_json::to_string(label).expect("json")).collect();
    let inputs: Vec<String> = labels.windows(2).map(|pair| format!("[{}]", pair.join(","))).collect();
    let sizes: Vec<String> = labels.iter().map(|label| format!("{label}: 3")).collect();
    let text = format!("{{\"inputs\": [{}], \"output\": [{}], \"sizes\": {{{}}}}}", inputs.join(","), labels[0], sizes.join(","));
    let (network, found, sliced) = planned(&network_of("hostile", &text), Some(16));
    let picture = of_network(&network, &found, &sliced, Some(16));
    for text in [picture.svg(), picture.html()] {
        assert_drawings_are_well_formed(&text);
        assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{text}");
        assert!(text.matches("<script").count() <= 1 && !text.contains("<img") && !text.contains("\"onload"), "{text}");
        assert!(text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()) && !text.contains(['\u{202e}', '\u{2066}']), "{text}");
    }
}

/// A network in a file, read.
fn network_of(name: &str, text: &str) -> NamedNetwork {
    let path = std::env::temp_dir().join(format!("ein-picture-{}-{name}.json", std::process::id()));
    std::fs::write(&path, text).expect("written");
    let read = network::read_network(&path);
    std::fs::remove_file(&path).expect("written above");
    read.unwrap_or_else(|e| panic!("{}", e.render(false)))
}

/// A plan with few steps of search; of `limit` elements at most.
fn planned(network: &NamedNetwork, limit: Option<u128>) -> (NamedNetwork, Found, Sliced) {
    let budget = Budget { steps: 2000, ..Budget::default_for(&network.network) };
    let found = ein_opt::path::search(&network.network, &Objective::Flops, budget, None, &mut |_| true);
    let sliced = ein_opt::path::slice(&network.network, &found.path, limit.unwrap_or(u128::MAX), &Objective::Flops, budget, &mut |_| true);
    (network.clone(), found, sliced.expect("it can be sliced"))
}

fn of_network(network: &NamedNetwork, found: &Found, sliced: &Sliced, limit: Option<u64>) -> Picture {
    Picture::of_network(network, found, sliced, "flops", 0, DType::F32, limit)
}

/// A ring of tensors of two labels, each with a chord to the tensor across.
fn ring(n: usize) -> String {
    let inputs: Vec<String> = (0..n).map(|k| format!("[{k}, {}, {}]", (k + 1) % n, n + k % (n / 2))).collect();
    let sizes: Vec<String> = (0..n + n / 2).map(|label| format!("\"{label}\": 2")).collect();
    format!("{{\"inputs\": [{}], \"output\": [], \"sizes\": {{{}}}}}", inputs.join(","), sizes.join(","))
}

#[test]
fn the_figures_of_a_network_are_those_of_its_plan() {
    let (network, found, sliced) = planned(&network_of("figures", &ring(30)), None);
    let text = of_network(&network, &found, &sliced, Some(1 << 20)).html();
    assert!(text.contains("network of 30 tensors") && text.contains("45 labels, elements of f32"), "{}", content(&text));
    assert_eq!(text.matches("id=\"row-").count(), 29);
    // The curve of what is held reaches the peak, in bytes.
    let most = sliced.path.step_sizes(&network.network).iter().map(|s| s.held).max();
    assert_eq!(most, Some(sliced.peak));
}

/// Thousands of tensors make a page of some hundred bytes each, and sizes beyond all numbers are words.
#[test]
fn large_networks_have_pictures() {
    let (network, found, sliced) = planned(&network_of("large", &ring(3000)), None);
    let picture = of_network(&network, &found, &sliced, None);
    let (svg, html) = (picture.svg(), picture.html());
    assert!(svg.len() < 4 << 20 && html.len() < 8 << 20, "{} {}", svg.len(), html.len());
    assert!(html.contains("999 more that cost least are left out"), "{}", &content(&html)[..2000]);
    assert_drawings_are_well_formed(&html);
    let huge = ring(20).replace(": 2", ": 18446744073709551615");
    let (network, found, sliced) = planned(&network_of("huge", &huge), None);
    let text = of_network(&network, &found, &sliced, Some(5)).html();
    assert!(text.contains("more than 1.36e39 B") && !text.contains("NaN") && !text.contains("inf"), "{}", content(&text));
    // One tensor: nothing to do.
    let (network, found, sliced) = planned(&network_of("one", r#"{"inputs": [[0]], "output": [0], "sizes": {"0": 5}}"#), None);
    assert_drawings_are_well_formed(&of_network(&network, &found, &sliced, None).html());
}

/// Layouts of a packed program: small ones slot by slot, large ones by groups of slots, and bounded.
#[test]
fn layouts_of_packed_programs() {
    let small = r#"packed "f" slots 8 {
  input x0 "A": f32[2, 5] [ct: a1.2 | slots: a0.0 a1.1-0 roll a1.1-0 by a0.0]
  input x1 "b": f32[] [slots: rep.1 junk.2]
  c0 = input x0[0]
  output "y": f32[3] [slots: a0.1-0 zero.1 junk padding a0] = (c0)
}"#;
    let svg = |text: &str| {
        let program = ein_ir::packed::parse::parse(text).unwrap_or_else(|e| panic!("{e}"));
        let program = ein_ir::packed::verify::verify(program).unwrap_or_else(|e| panic!("{e:?}"));
        ein::packed_svg(&program)
    };
    insta::assert_snapshot!(content_of_svg(&svg(small)));
    let large = r#"packed "" slots 16384 {
  input x0 "A": f32[1024, 1024] [ct: a0.9-4 | slots: a0.3-0 a1.9-0]
  input x1 "b": f32[1000] [slots: zero.4 a0.9-0]
}"#;
    let hostile = HOSTILE.map(|name| format!("packed {} slots 2 {{ input x0 {0}: f32[2] [slots: a0.0] }}", ein_ir::text::quoted(name)));
    for text in hostile.iter().map(String::as_str).chain([small, large, "packed \"\" slots 1 { }"]) {
        let svg = svg(text);
        assert_drawings_are_well_formed(&svg);
        assert!(svg.len() < 400_000, "{} bytes", svg.len());
    }
    assert!(svg(large).contains("and 60 more ciphertexts"));
    assert!(svg(large).contains("slots 960 to 1023: 40 elements, 960 first, 999 last, 24 zero"));
}
