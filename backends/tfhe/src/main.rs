//! `ein-tfhe`: circuits on ciphertexts, between the owner of a secret and whoever computes.

use clap::{Args, Parser, Subcommand};
use ein_ir::circuit::{parse, verify};
use ein_ir::diagnostic::Diagnostic;
use ein_tfhe::program::Program;
use ein_tfhe::{Operand, arrays, calibrate, decrypt_results, encrypt, execute, files};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

const MANIFEST: &str = "manifest.json";
const SECRET_KEY: &str = "secret.key";
const SERVER_KEY: &str = "server.key";

/// Carry circuits over integers out on ciphertexts
#[derive(Parser)]
#[command(
    name = "ein-tfhe",
    after_help = "Example, with arrays as JSON:
  ein emit --stage tfhe prog.ein --size N=2 > prog.circuit
  ein-tfhe keygen prog.circuit --keys mine
  ein-tfhe encrypt --keys mine --in x=x.json -o inputs.ct
  ein-tfhe run --keys theirs --inputs inputs.ct --in w=w.json -o results.ct
  ein-tfhe decrypt --keys mine results.ct --out-dir out"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make keys for a circuit: secret.key stays with its owner; whoever computes needs manifest.json and server.key
    Keygen(Keygen),
    /// Encrypt the secret operands, with the secret key
    Encrypt(Encrypt),
    /// Carry the circuit out, without a secret
    Run(Run),
    /// Decrypt the results, with the secret key
    Decrypt(Decrypt),
    /// Measure a bootstrap: the figure that `ein explain --target tfhe --costs FILE` tells times by
    Calibrate(Calibrate),
}

#[derive(Args)]
struct Keygen {
    /// What `ein emit --stage tfhe` prints
    circuit: PathBuf,
    /// A folder for the keys
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
}

#[derive(Args)]
struct Encrypt {
    /// The folder with manifest.json and secret.key
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// A secret operand: nested lists of integers, or of true and false
    #[arg(long = "in", value_name = "NAME=FILE", value_parser = assignment)]
    inputs: Vec<(String, PathBuf)>,
    /// Where the ciphertexts go
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
struct Run {
    /// The folder with manifest.json and server.key
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// The ciphertexts of all secret operands
    #[arg(long, value_name = "FILE")]
    inputs: PathBuf,
    /// An operand in the clear
    #[arg(long = "in", value_name = "NAME=FILE", value_parser = assignment)]
    publics: Vec<(String, PathBuf)>,
    /// Where the ciphertexts of the results go
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
struct Decrypt {
    /// The folder with manifest.json and secret.key
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// The ciphertexts of the results
    results: PathBuf,
    /// A folder for the results, each as NAME.json
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
}

#[derive(Args)]
struct Calibrate {
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
}

fn assignment(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("expected NAME=FILE")?;
    Ok((name.to_owned(), file.into()))
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Keygen(command) => command.execute(),
        Command::Encrypt(command) => command.execute(),
        Command::Run(command) => command.execute(),
        Command::Decrypt(command) => command.execute(),
        Command::Calibrate(command) => command.execute(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("[E{:04}] error: {}", error.code.0, error.message);
            error.help.iter().for_each(|help| eprintln!("help: {help}"));
            ExitCode::from(1)
        }
    }
}

impl Keygen {
    fn execute(self) -> Result<(), Diagnostic> {
        let malformed = |reason: String| Diagnostic::error(931, "he-malformed", format!("not a circuit: {reason}"));
        let circuit = parse::parse(&files::read_text(&self.circuit)?).map_err(|e| malformed(e.to_string()))?;
        let circuit = verify::verify(circuit).map_err(|errors| malformed(errors[0].to_string()))?;
        let (program, keys) = Program::keygen(circuit)?;
        make_folder(&self.keys)?;
        // First, because it is the one that is never replaced.
        files::write_secret(&self.keys.join(SECRET_KEY), &keys.secret)?;
        files::write(&self.keys.join(SERVER_KEY), &keys.server)?;
        files::write(&self.keys.join(MANIFEST), program.manifest().as_bytes())?;
        eprintln!("TFHE, 128 bits of security; {}", program.circuit().summary());
        Ok(())
    }
}

impl Encrypt {
    fn execute(self) -> Result<(), Diagnostic> {
        let program = program(&self.keys)?;
        let key = program.secret_key(&Zeroizing::new(files::read(&self.keys.join(SECRET_KEY), files::MAX_KEY)?))?;
        let numbers = arrays::operands(program.circuit(), |decl| decl.secret, &texts(&self.inputs)?)?;
        let mut operands = Vec::new();
        for (decl, numbers) in program.circuit().inputs.values().zip(numbers) {
            let numbers = Zeroizing::new(numbers.unwrap_or_default());
            operands.push(Operand::Secret(numbers.iter().map(|n| encrypt(&key, *n, decl.range)).collect::<Result<_, _>>()?));
        }
        files::write(&self.out, &program.inputs_to_bytes(&operands)?)
    }
}

impl Run {
    fn execute(self) -> Result<(), Diagnostic> {
        let program = program(&self.keys)?;
        let encrypted = program.inputs_from_bytes(&files::read(&self.inputs, program.most_bytes()?)?)?;
        let publics = arrays::operands(program.circuit(), |decl| !decl.secret, &texts(&self.publics)?)?;
        let key = program.server_key(&files::read(&self.keys.join(SERVER_KEY), files::MAX_KEY)?)?;
        let operands: Vec<Operand> = encrypted
            .into_iter()
            .zip(publics)
            .map(|(secret, public)| secret.unwrap_or_else(|| Operand::Public(public.unwrap_or_default())))
            .collect();
        let start = std::time::Instant::now();
        let (results, report) = execute(&key, program.circuit(), &operands)?;
        let done: Vec<String> = report.operations.iter().map(|(name, n)| format!("{name} {n}")).collect();
        eprintln!("{} in {:.1} s", done.join(", "), start.elapsed().as_secs_f64());
        files::write(&self.out, &program.results_to_bytes(&results)?)
    }
}

impl Decrypt {
    fn execute(self) -> Result<(), Diagnostic> {
        let program = program(&self.keys)?;
        let key = program.secret_key(&Zeroizing::new(files::read(&self.keys.join(SECRET_KEY), files::MAX_KEY)?))?;
        let results = program.results_from_bytes(&files::read(&self.results, program.most_bytes()?)?)?;
        let numbers = Zeroizing::new(decrypt_results(&key, program.circuit(), &results)?);
        make_folder(&self.out_dir)?;
        for (output, numbers) in program.circuit().outputs.iter().zip(numbers.iter()) {
            let text = arrays::write(output, numbers).map(Zeroizing::new);
            let text = text.ok_or_else(|| Diagnostic::error(931, "he-malformed", format!("`{}` is not of its type", output.name)))?;
            let path = self.out_dir.join(format!("{}.json", output.name));
            files::write(&path, text.as_bytes())?;
            eprintln!("wrote {}", path.display());
        }
        Ok(())
    }
}

impl Calibrate {
    fn execute(self) -> Result<(), Diagnostic> {
        let measured = calibrate::measure()?;
        files::write(&self.out, measured.to_text().as_bytes())?;
        eprintln!("a bootstrap takes {:.1} ms on one core, of {} that were done", measured.bootstrap * 1e3, measured.bootstraps);
        Ok(())
    }
}

fn program(folder: &Path) -> Result<Program, Diagnostic> {
    Program::from_manifest(&files::read_text(&folder.join(MANIFEST))?)
}

fn texts(inputs: &[(String, PathBuf)]) -> Result<Vec<(String, String)>, Diagnostic> {
    inputs.iter().map(|(name, path)| Ok((name.clone(), files::read_text(path)?))).collect()
}

fn make_folder(path: &Path) -> Result<(), Diagnostic> {
    let unwritable = |e: std::io::Error| Diagnostic::error(909, "cannot-write", format!("cannot write {}: {}", path.display(), e.kind()));
    std::fs::create_dir_all(path).map_err(unwritable)
}
