{
  description = "Finds, explains and fixes what an attacker would use in your Kubernetes deployment";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (pkgs: rec {
        default = coaming;
        coaming = pkgs.rustPlatform.buildRustPackage {
          pname = "coaming";
          version = "0.1.0";
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          cargoBuildFlags = [ "--package" "coaming" ];
          # The tests need the repository's own tools; CI runs them.
          doCheck = false;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          postInstall = ''
            installShellCompletion --cmd coaming \
              --bash <($out/bin/coaming completions bash) \
              --fish <($out/bin/coaming completions fish) \
              --zsh <($out/bin/coaming completions zsh)
            $out/bin/coaming man > coaming.1
            installManPage coaming.1
            install -m755 integrations/kubectl/kubectl-coaming $out/bin/
          '';
          meta = {
            description = "Finds, explains and fixes what an attacker would use in Kubernetes deployments";
            homepage = "https://coaming.dev";
            license = pkgs.lib.licenses.asl20;
            mainProgram = "coaming";
          };
        };
      });

      devShells = each (pkgs: {
        default = pkgs.mkShell {
          packages = with pkgs; [ cargo rustc clippy rustfmt kubectl kubernetes-helm typos nodejs ];
        };
      });
    };
}
