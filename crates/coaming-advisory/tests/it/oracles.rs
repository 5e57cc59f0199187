//! The version orders, compared with the ecosystems' own tools on thousands of random pairs, including
//! odd ones: endless numbers, other alphabets, white space.

use std::cmp::Ordering;
use std::io::Write as _;
use std::process::{Command, Stdio};

use coaming_advisory::Order;

/// The number of pairs, if one process compares them all.
const PAIRS: usize = 20_000;

/// Parts of versions in any ecosystem: signs, words, numbers with leading zeros, other alphabets.
const ODD: [&str; 40] = [
    "",
    " ",
    "v",
    "V",
    "0",
    "00",
    "01",
    "1",
    "9",
    "10",
    "1.0",
    "2147483648",
    "4294967296",
    "20230101120000",
    ".",
    "..",
    "-",
    "--",
    "+",
    "_",
    "~",
    "^",
    ":",
    "!",
    "*",
    "x",
    "a",
    "B",
    "alpha",
    "beta",
    "rc",
    "dev",
    "dev-master",
    "SNAPSHOT",
    "final",
    "é",
    "１",
    "@",
    "%",
    "#",
];

/// A generator of numbers that gives the same ones each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn version(&mut self, parts: &[&str]) -> String {
        let numbers: Vec<String> =
            (0..=self.below(3)).map(|_| self.below(30).to_string()).collect();
        let mut version = numbers.join(".");
        for _ in 0..self.below(4) {
            version.push_str(parts[self.below(parts.len())]);
            if self.below(2) == 0 {
                version.push_str(&self.below(12).to_string());
            }
        }
        version
    }

    /// Anything that somebody could take for a version, and things that nobody would: of these
    /// parts, and of `ODD`.
    fn text(&mut self, parts: &[&str]) -> String {
        let mut text = String::new();
        for _ in 0..self.below(7) {
            let from = if self.below(3) == 0 { parts } else { &ODD };
            text.push_str(from[self.below(from.len())]);
        }
        text
    }

    /// Pairs, half of which differ in their ends only, and a third of which is odd.
    fn pairs(&mut self, count: usize, parts: &[&str]) -> Vec<(String, String)> {
        (0..count)
            .map(|_| {
                let odd = self.below(3) == 0;
                let version = |random: &mut Self| {
                    if odd { random.text(parts) } else { random.version(parts) }
                };
                let left = version(self);
                let right = match self.below(4) {
                    0 | 1 => version(self),
                    2 => format!("{left}{}", parts[self.below(parts.len())]),
                    _ => left.replacen(|each: char| each.is_ascii_digit(), "1", 1),
                };
                (left, right)
            })
            .collect()
    }
}

fn sign(order: Option<Ordering>) -> &'static str {
    match order {
        None => "?",
        Some(Ordering::Less) => "<",
        Some(Ordering::Equal) => "=",
        Some(Ordering::Greater) => ">",
    }
}

/// What a program prints for lines of two versions with a tab between them; `None` where the
/// program is not there.
fn judge(program: &str, arguments: &[&str], pairs: &[(String, String)]) -> Option<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take().unwrap();
    let text: String = pairs.iter().map(|(left, right)| format!("{left}\t{right}\n")).collect();
    let writer = std::thread::spawn(move || {
        // A judge that is not what we need closes its input early.
        drop(input.write_all(text.as_bytes()));
    });
    let output = child.wait_with_output().ok()?;
    writer.join().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

fn compare(order: Order, pairs: &[(String, String)], verdicts: &str) {
    let verdicts: Vec<&str> = verdicts.split_whitespace().collect();
    assert_eq!(verdicts.len(), pairs.len(), "the judge said something on each pair");
    for ((left, right), verdict) in pairs.iter().zip(verdicts) {
        assert_eq!(sign(order.compare(left, right)), verdict, "{left} and {right}");
    }
}

/// Compares with dpkg's own module for Perl, which reads many versions at once.
#[test]
fn dpkgs_perl_module_agrees() {
    const SCRIPT: &str = "
use Dpkg::Version;
while (<STDIN>) {
  chomp;
  my ($left, $right) = map { Dpkg::Version->new($_, check => 1) } split /\\t/, $_, -1;
  print !defined $left || !defined $right ? '?' : $left < $right ? '<' : $left > $right ? '>' : '=', qq(\n);
}";
    let parts = ["a", "~", "~rc", "+", "+deb12u", ".", "-", "-1", "dfsg", "ubuntu", "Z", "-0"];
    // Invalid versions are compared with dpkg itself, which is stricter than the module.
    let plain = |text: &str| {
        text.starts_with(|each: char| each.is_ascii_digit())
            && !text.ends_with('-')
            && text.chars().all(|each| each.is_ascii_alphanumeric() || ".+-~".contains(each))
    };
    let pairs: Vec<_> = Random(31)
        .pairs(PAIRS, &parts)
        .into_iter()
        .filter(|(left, right)| plain(left) && plain(right))
        .collect();
    assert!(pairs.len() > PAIRS / 4);
    match judge("perl", &["-e", SCRIPT], &pairs) {
        Some(verdicts) => compare(Order::Dpkg, &pairs, &verdicts),
        None => skip("dpkgs_perl_module_agrees", "perl with dpkg-dev's modules is not installed"),
    }
}

/// Go's own module for versions, as Debian packages it.
#[test]
fn go_agrees() {
    const PROGRAM: &str = r#"
package main
import ("bufio"; "fmt"; "os"; "strings"; "golang.org/x/mod/semver")
func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		pair := strings.Split(lines.Text(), "\t")
		if !semver.IsValid(pair[0]) || !semver.IsValid(pair[1]) { fmt.Println("?"); continue }
		fmt.Println([]string{"<", "=", ">"}[semver.Compare(pair[0], pair[1]) + 1])
	}
}"#;
    const SOURCES: &str = "/usr/share/gocode";
    let parts = [
        "-a",
        "-0",
        "-01",
        ".1",
        "+incompatible",
        "-rc.1",
        "+",
        "-",
        "-é",
        ".2.3",
        "-0.20200622213623-75b288015ac9",
        ".99999999999999999999999",
    ];
    // Without the `v` versions are Go's own too, but not to this module.
    let pairs: Vec<_> = Random(37)
        .pairs(PAIRS, &parts)
        .into_iter()
        .map(|(left, right)| (format!("v{left}"), format!("v{right}")))
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("compare.go");
    std::fs::write(&program, PROGRAM).unwrap();
    let there = std::path::Path::new(SOURCES).join("src/golang.org/x/mod/semver").is_dir();
    let built = there
        && Command::new("go")
            .args(["build", "-o", "compare", "compare.go"])
            .current_dir(directory.path())
            .envs([("GO111MODULE", "off"), ("GOPATH", SOURCES), ("GOFLAGS", "")])
            .env("GOCACHE", directory.path().join("cache"))
            .status()
            .is_ok_and(|status| status.success());
    let compare_program = directory.path().join("compare");
    match judge(compare_program.to_str().unwrap(), &[], &pairs).filter(|_| built) {
        Some(verdicts) => compare(Order::Go, &pairs, &verdicts),
        None => skip("go_agrees", "go with golang-golang-x-mod-dev is not installed"),
    }
}

/// The crate by which cargo orders versions; its numbers end at 64 bits.
#[test]
fn cargo_agrees() {
    let parts =
        ["-a", "-0", "-01", ".1", "+b", "-rc.1", ".x", "+", "-", "-é", ".2.3", "-alpha.beta"];
    for (left, right) in Random(41).pairs(3 * PAIRS, &parts) {
        let parse = |text: &str| semver::Version::parse(text).ok();
        let expected =
            parse(&left).zip(parse(&right)).map(|(left, right)| left.cmp_precedence(&right));
        // A leading `v` and numbers of any size are taken here.
        let longest = |text: &str| {
            text.split(|each: char| !each.is_ascii_digit()).map(str::len).max().unwrap_or_default()
        };
        let taken = |text: &str| text.starts_with('v') || longest(text) > 19;
        if taken(&left) || taken(&right) {
            continue;
        }
        assert_eq!(Order::SemVer.compare(&left, &right), expected, "{left} and {right}");
    }
}

fn skip(test: &str, why: &str) {
    coaming_test::skip!("{test}: {why}");
}

#[test]
fn python_agrees() {
    const SCRIPT: &str = "
import sys
from pip._vendor.packaging.version import InvalidVersion, Version
for line in sys.stdin:
    left, right = line.rstrip('\\n').split('\\t')
    try:
        left, right = Version(left), Version(right)
        print('<' if left < right else '>' if left > right else '=')
    except InvalidVersion:
        print('?')
";
    let parts = [
        "a",
        "b2",
        "rc",
        ".dev",
        ".post",
        "-",
        "+local",
        ".",
        "alpha",
        "_beta",
        "c",
        "-r",
        "!",
        "+ubuntu.1",
        ".preview",
        ".99999999999999999999999",
        "é",
    ];
    let pairs = Random(7).pairs(PAIRS, &parts);
    match judge("python3", &["-c", SCRIPT], &pairs) {
        Some(verdicts) => compare(Order::PyPi, &pairs, &verdicts),
        None => skip("python_agrees", "python3 with pip is not installed"),
    }
}

#[test]
fn rpm_agrees() {
    const SCRIPT: &str = "%{lua:
for line in io.lines() do
  local left, right = line:match('^(.-)\\t(.*)$')
  local valid, order = pcall(rpm.vercmp, left, right)
  print(not valid and '? ' or order < 0 and '< ' or order > 0 and '> ' or '= ')
end}";
    let parts = ["a", "rc", "~", "^", "~rc1", "^git1", ".", "_", "-1", "-", "el8", ".fc", "Z", "+"];
    let pairs = Random(11).pairs(PAIRS, &parts);
    match judge("rpm", &["--eval", SCRIPT], &pairs) {
        Some(verdicts) => compare(Order::Rpm, &pairs, &verdicts),
        None => skip("rpm_agrees", "rpm is not installed"),
    }
}

#[test]
fn dpkg_agrees() {
    // One process a question: dpkg has no other way.
    const SCRIPT: &str = "
while IFS=$(printf '\\t') read -r left right; do
  if ! dpkg --validate-version \"$left\" 2>/dev/null || ! dpkg --validate-version \"$right\" 2>/dev/null
  then echo '?'
  elif dpkg --compare-versions \"$left\" lt \"$right\"; then echo '<'
  elif dpkg --compare-versions \"$left\" gt \"$right\"; then echo '>'
  else echo '='
  fi
done";
    let parts = ["a", "~", "~rc", "+", "+deb12u", ".", "-", "-1", "dfsg", ":", "ubuntu", "_", "Z"];
    let pairs = Random(13).pairs(800, &parts);
    let found = Command::new("dpkg").arg("--version").stdout(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        return skip("dpkg_agrees", "dpkg is not installed");
    }
    let verdicts = judge("sh", &["-c", SCRIPT], &pairs).unwrap();
    compare(Order::Dpkg, &pairs, &verdicts);
}

#[test]
fn rubygems_agrees() {
    const SCRIPT: &str = "
STDIN.set_encoding('utf-8')
STDIN.each_line do |line|
  left, right = line.chomp.split(\"\\t\", -1)
  begin
    puts({-1 => '<', 0 => '=', 1 => '>'}[Gem::Version.new(left) <=> Gem::Version.new(right)])
  rescue ArgumentError
    puts '?'
  end
end";
    let parts = [
        "a",
        "b2",
        ".rc",
        ".pre",
        "-",
        ".",
        "-1",
        ".0",
        "x",
        "_",
        "é",
        "..",
        "beta10",
        ".A",
        ".99999999999999999999999",
    ];
    let pairs = Random(17).pairs(PAIRS, &parts);
    match judge("ruby", &["-e", SCRIPT], &pairs) {
        Some(verdicts) => compare(Order::RubyGems, &pairs, &verdicts),
        None => skip("rubygems_agrees", "ruby is not installed"),
    }
}

#[test]
fn npm_agrees() {
    // npm brings its own semver along, wherever it is installed.
    const SCRIPT: &str = "
const {execSync} = require('child_process');
const root = execSync('npm root -g').toString().trim();
const fs = require('fs');
const places = [root + '/npm/node_modules/semver', '/usr/share/nodejs/semver', '/usr/lib/node_modules/npm/node_modules/semver'];
const semver = require(places.find(place => fs.existsSync(place)));
for (const line of fs.readFileSync(0, 'utf8').split('\\n').slice(0, -1)) {
  const [left, right] = line.split('\\t');
  if (!semver.valid(left) || !semver.valid(right)) { console.log('?'); continue; }
  const order = semver.compare(left, right);
  console.log(order < 0 ? '<' : order > 0 ? '>' : '=');
}";
    let parts =
        ["-a", "-0", "-01", ".1", "+b", "-rc.1", ".x", "+", "-", ".9007199254740992", "-é", ".2.3"];
    let pairs = Random(19).pairs(PAIRS, &parts);
    match judge("node", &["-e", SCRIPT], &pairs) {
        Some(verdicts) => compare(Order::Npm, &pairs, &verdicts),
        None => skip("npm_agrees", "node and npm are not installed"),
    }
}

#[test]
fn composer_agrees() {
    const SCRIPT: &str = r#"
spl_autoload_register(function ($class) {
    $file = '/usr/share/php/' . str_replace('\\', '/', $class) . '.php';
    if (is_file($file)) require $file;
});
$parser = new Composer\Semver\VersionParser();
while (($line = fgets(STDIN)) !== false) {
    [$left, $right] = explode("\t", rtrim($line, "\n"));
    try {
        $left = $parser->normalize($left);
        $right = $parser->normalize($right);
    } catch (UnexpectedValueException $error) { echo "?\n"; continue; }
    $branches = str_starts_with($left, 'dev-') && str_starts_with($right, 'dev-');
    if ($branches) { echo $left === $right ? "=\n" : "?\n"; continue; }
    echo ['<', '=', '>'][version_compare($left, $right) + 1], "\n";
}"#;
    // PHP's numbers end at 64 bits, ours do not.
    let parts = [
        "a", "-b2", "RC", "-dev", "-p1", "pl", ".", "-", ".x", "-alpha.1", "+b", "beta-2",
        "-stable", "@dev", "patch3", "_1", ".*", "é",
    ];
    let pairs = Random(23).pairs(PAIRS, &parts);
    let there = std::path::Path::new("/usr/share/php/Composer/Semver/VersionParser.php").is_file();
    match judge("php", &["-r", SCRIPT], &pairs).filter(|_| there) {
        Some(verdicts) => compare(Order::Packagist, &pairs, &verdicts),
        None => {
            skip("composer_agrees", "php with composer/semver (Debian: composer) is not installed")
        }
    }
}

#[test]
fn maven_agrees() {
    const PROGRAM: &str = "
import org.apache.maven.artifact.versioning.ComparableVersion;
import java.util.Scanner;
public class Compare {
    public static void main(String[] arguments) {
        Scanner lines = new Scanner(System.in, \"UTF-8\").useDelimiter(\"\\n\");
        while (lines.hasNext()) {
            String[] pair = lines.next().split(\"\\t\", -1);
            int order = new ComparableVersion(pair[0]).compareTo(new ComparableVersion(pair[1]));
            System.out.println(order < 0 ? \"<\" : order > 0 ? \">\" : \"=\");
        }
    }
}";
    const JARS: &str = "/usr/share/java/maven3-artifact.jar:/usr/share/java/commons-lang3.jar";
    let parts = [
        "-",
        "_",
        ".",
        "-alpha",
        "-SNAPSHOT",
        "rc",
        "-x",
        "ga",
        "-sp",
        "a1",
        "-1",
        "..",
        "--",
        "-0",
        "Final",
        "X",
        "é",
        "+b",
        "CR2",
        "m3",
        "-.",
        "_1",
        ".99999999999999999999999",
    ];
    // To Maven everything is a version; nothing, and what holds blanks, is none here. Digits of
    // other alphabets are letters here.
    let version = |text: &String| {
        !text.is_empty() && !text.contains(|each: char| each.is_whitespace() || each == '１')
    };
    let mut pairs = Random(29).pairs(2 * PAIRS, &parts);
    pairs.retain(|(left, right)| version(left) && version(right));
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("Compare.java");
    std::fs::write(&program, PROGRAM).unwrap();
    match judge("java", &["-cp", JARS, program.to_str().unwrap()], &pairs) {
        Some(verdicts) => compare(Order::Maven, &pairs, &verdicts),
        None => skip(
            "maven_agrees",
            "java and Maven's library (Debian: libmaven3-core-java) are not installed",
        ),
    }
}
