//! The command line: arguments and exit codes; one file per command. Data goes to standard output, talk to standard
//! error.

mod alarm;
mod approve;
mod backup;
mod batches;
mod bench;
mod cancel;
mod certificate;
mod certificates;
mod check;
mod database;
mod demo;
mod doctor;
mod enqueue;
mod exit;
mod explain;
mod hold;
mod jobs;
mod manual;
mod missing;
pub mod out;
mod plan;
mod prune;
mod recheck;
mod release;
mod report;
mod retry;
mod rows;
mod run;
mod sandbox;
mod schema;
mod screen;
mod show;
mod skip;
mod sql;
mod table;
#[cfg(test)]
mod tests;
mod values;
mod verify_certificates;
mod webhook;
mod which;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{
    ArgAction, Args, CommandFactory, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};

use secrecy::SecretString;

pub use exit::{Exit, Failure};
use values::{factor, rate, reason};

use crate::{
    config::{self, ConfigErrors, KeySource, Settings},
    intake, telemetry,
};

/// Grants and, above all, revokes people's access through the Seam API: every order is a durable job, done and proven.
#[derive(Debug, Parser)]
#[command(name = "backstitch", version, arg_required_else_help = true, after_help = exit::EXIT_TABLE)]
pub struct Cli {
    /// What every command knows.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Arguments of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Settings file [default: /etc/backstitch/backstitch.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
    /// Database file, instead of `database.path`
    #[arg(long, global = true, value_name = "PATH", help_heading = "Everywhere")]
    pub database: Option<PathBuf>,
    /// JSON instead of text for people
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// Log more; twice: everything
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Everywhere")]
    pub verbose: u8,
    /// Log only warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Everywhere")]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon: read the inputs, do the work, until told to stop
    Run(run::RunArgs),
    /// Show the whole work in half a minute, on a simulated Seam
    Demo(demo::DemoArgs),
    /// Read the configuration and input files, tell every mistake, start nothing
    Check(check::CheckArgs),
    /// Ask Seam whether the daemon could work here, and say in words what was found
    Doctor(doctor::DoctorArgs),
    /// Tell what a run would do, person by person, and change nothing
    Plan(plan::PlanArgs),
    /// Take orders from a file or standard input
    Enqueue(enqueue::EnqueueArgs),
    /// List jobs
    Jobs(jobs::JobsArgs),
    /// Show one job: where it stands, what it waits for, what happened
    Show(show::ShowArgs),
    /// Say in sentences where a job stands, what it waits for, what comes next, and what a person could do
    Explain(explain::ExplainArgs),
    /// Look again now at what waits, and try anew what has failed
    Retry(retry::RetryArgs),
    /// End open jobs without doing the rest of their work
    Cancel(cancel::CancelArgs),
    /// Stop open jobs until they are released
    Hold(hold::HoldArgs),
    /// Let held jobs look again, once a person has read why they are held
    Release(release::ReleaseArgs),
    /// Take a parked object that a person took care of out of a job
    Skip(skip::SkipArgs),
    /// List orders that came together, and what was decided about them
    Batches(batches::BatchesArgs),
    /// Let a held batch go on, or one that is still to come
    Approve(approve::ApproveArgs),
    /// Drop a held batch: nothing of it is done
    Reject(approve::RejectArgs),
    /// Look again now at people who have left
    Recheck(recheck::RecheckArgs),
    /// Show what is attested of one leaver, once their offboarding has ended
    Certificate(certificate::CertificateArgs),
    /// Export all certificates, each bound to the one before
    Certificates(certificates::CertificatesArgs),
    /// Recompute every seal of the certificates, and name what was altered or is missing
    VerifyCertificates(verify_certificates::VerifyCertificatesArgs),
    /// List all leavers of a period, with their times and the share done in time
    Report(report::ReportArgs),
    /// Try the alarm's hook
    Alarm(alarm::AlarmArgs),
    /// Copy the whole database into one file, beside a running daemon
    Backup(backup::BackupArgs),
    /// Remove details and personal data of what ended long ago, now
    Prune(prune::PruneArgs),
    /// Ask the database a question of your own; nothing is ever changed
    Sql(sql::SqlArgs),
    /// Run a simulated Seam to try things on
    Sandbox(sandbox::SandboxArgs),
    /// Print the JSON Schema of the settings or of orders, for editors
    Schema(schema::SchemaArgs),
    /// Print a shell's completions
    #[command(hide = true)]
    Completions(manual::CompletionsArgs),
    /// Print the manual page, or write a page for each command
    #[command(hide = true)]
    Man(manual::ManArgs),
    /// Have Seam post its events to the daemon, so that nobody waits for the next look
    Webhook(webhook::WebhookArgs),
    /// Measure what this machine can do, beside its own limits
    Bench(bench::BenchArgs),
}

/// Parses the arguments (the first is the program's name), does the work, and says how it ended.
pub fn main<A: Into<OsString> + Clone>(args: impl IntoIterator<Item = A>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    match Cli::try_parse_from(&args) {
        Ok(cli) => end(cli.run()).into(),
        Err(mut error) => {
            plain_usage(&mut error, &args);
            // To standard output for help and version, to standard error for mistakes.
            let _ = error.print();
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done.into(),
                _ => Exit::Usage.into(),
            }
        }
    }
}

/// The usage as help shows it: beside a mistake clap names whatever was given, as if `--config` were required.
fn plain_usage(error: &mut clap::Error, args: &[OsString]) {
    let mut cli = Cli::command();
    cli.build();
    let named = |arg: &&OsString| arg.to_str().is_some_and(|name| cli.find_subcommand(name).is_some());
    let Some(name) = args.iter().skip(1).find(named).and_then(|name| name.to_str()) else { return };
    if let (Some(command), Some(_)) = (cli.find_subcommand_mut(name), error.get(ContextKind::Usage)) {
        error.insert(ContextKind::Usage, ContextValue::StyledStr(command.render_usage()));
    }
}

fn end(result: Result<Exit, Failure>) -> Exit {
    result.unwrap_or_else(|failure| {
        let _ = failure.render(&mut anstream::stderr());
        failure.exit
    })
}

impl Cli {
    /// Runs the command to its end. Blocks; commands that need a runtime start their own.
    pub fn run(&self) -> Result<Exit, Failure> {
        let global = &self.global;
        match &self.command {
            Command::Run(args) => run::run(global, args),
            Command::Demo(args) => demo::run(global, args),
            Command::Check(args) => check::run(global, args),
            Command::Doctor(args) => doctor::run(global, args),
            Command::Plan(args) => plan::run(global, args),
            Command::Enqueue(args) => enqueue::run(global, args),
            Command::Jobs(args) => jobs::run(global, args),
            Command::Show(args) => show::run(global, args),
            Command::Explain(args) => explain::run(global, args),
            Command::Retry(args) => retry::run(global, args),
            Command::Cancel(args) => cancel::run(global, args),
            Command::Hold(args) => hold::run(global, args),
            Command::Release(args) => release::run(global, args),
            Command::Skip(args) => skip::run(global, args),
            Command::Batches(args) => batches::run(global, args),
            Command::Approve(args) => approve::run(global, args),
            Command::Reject(args) => approve::reject(global, args),
            Command::Recheck(args) => recheck::run(global, args),
            Command::Certificate(args) => certificate::run(global, args),
            Command::Certificates(args) => certificates::run(global, args),
            Command::VerifyCertificates(args) => verify_certificates::run(global, args),
            Command::Report(args) => report::run(global, args),
            Command::Alarm(args) => alarm::run(global, args),
            Command::Backup(args) => backup::run(global, args),
            Command::Prune(args) => prune::run(global, args),
            Command::Sql(args) => sql::run(global, args),
            Command::Sandbox(args) => sandbox::run(global, args),
            Command::Schema(args) => schema::run(args),
            Command::Completions(args) => manual::completions(args),
            Command::Man(args) => manual::man(args),
            Command::Webhook(args) => webhook::run(global, args),
            Command::Bench(args) => bench::run(global, args),
        }
    }
}

/// The environment, without variables that are not UTF-8: none of ours can be.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

impl Global {
    /// The settings of all layers, `--database` on top.
    pub fn settings(&self) -> Result<Settings, Failure> {
        Ok(self.layers()?)
    }

    /// The same for who tells the mistakes in another way.
    fn layers(&self) -> Result<Settings, ConfigErrors> {
        let mut settings = Settings::load(self.config.as_deref(), environment(), intake::check_spec)?;
        if let Some(path) = &self.database {
            settings.database.path.clone_from(path);
        }
        Ok(settings)
    }

    /// The API key and where it came from.
    pub fn api_key(&self, settings: &Settings) -> Result<(SecretString, KeySource), Failure> {
        Ok(config::api_key(settings, |name| std::env::var(name).ok())?)
    }

    /// The log's level by the settings, `-v` and `-q`.
    fn level<'a>(&self, settings: &'a Settings) -> &'a str {
        match (self.quiet, self.verbose) {
            (true, _) => "warn",
            (false, 0) => &settings.log.level,
            (false, 1) => "debug",
            (false, _) => "trace",
        }
    }

    /// Sets the log up, by the settings, `-v` and `-q`, and `RUST_LOG` above all.
    pub fn start_log(&self, settings: &Settings) -> Result<(), Failure> {
        let filter = std::env::var("RUST_LOG").ok();
        telemetry::init(settings.log.format, self.level(settings), filter.as_deref())
            .map_err(|message| Failure::new(Exit::Config, message))
    }
}

/// What asynchronous commands run on: so many threads beside their own, else one for each of the machine's processors.
fn runtime(threads: Option<usize>) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads);
    }
    let built = builder.enable_all().build();
    built.map_err(|error| Failure::new(Exit::Io, format!("threads cannot be started: {error}")))
}
