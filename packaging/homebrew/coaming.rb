# The formula for Homebrew; a release fills in the version and the checksums (see docs/releasing.md).
class Coaming < Formula
  desc "Finds, explains and fixes what an attacker would use in Kubernetes deployments"
  homepage "https://coaming.dev"
  version "0.1.0"
  license "Apache-2.0"

  target = if OS.mac?
    Hardware::CPU.arm? ? "aarch64-apple-darwin" : "x86_64-apple-darwin"
  else
    Hardware::CPU.arm? ? "aarch64-unknown-linux-musl" : "x86_64-unknown-linux-musl"
  end
  url "https://github.com/coaming/coaming/releases/download/v#{version}/coaming-#{target}.tar.gz"
  checksums = {
    "aarch64-apple-darwin"       => "0" * 64,
    "x86_64-apple-darwin"        => "0" * 64,
    "aarch64-unknown-linux-musl" => "0" * 64,
    "x86_64-unknown-linux-musl"  => "0" * 64,
  }
  sha256 checksums.fetch(target)

  def install
    bin.install "coaming", "kubectl-coaming"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/coaming.bash" => "coaming"
    zsh_completion.install "completions/coaming.zsh" => "_coaming"
    fish_completion.install "completions/coaming.fish"
  end

  test do
    (testpath/"pod.yaml").write <<~YAML
      apiVersion: v1
      kind: Pod
      metadata: {name: p}
      spec: {containers: [{name: c, image: "a:1", securityContext: {privileged: true}}]}
    YAML
    assert_match "privileged", shell_output("#{bin}/coaming scan --format concise pod.yaml", 1)
  end
end
