# Included by the Makefile: what goes with an installation on a robot. deploy/README.md says what it is.

.PHONY: deny
deny: ## licences, sources, duplicates and known vulnerabilities of all crates (needs: cargo install cargo-deny)
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is missing: cargo install --locked cargo-deny" >&2; exit 1; }
	cargo deny --log-level warn check --hide-inclusion-graph licenses bans sources
	@deploy/advisories.sh

.PHONY: sbom
sbom: ## what the node and the command consist of, as CycloneDX in target/sbom/ (needs: cargo install cargo-cyclonedx)
	@command -v cargo-cyclonedx >/dev/null || \
	  { echo "cargo-cyclonedx is missing: cargo install --locked cargo-cyclonedx" >&2; exit 1; }
	@TARGET=$(TARGET) deploy/sbom.sh

.PHONY: check-deploy
check-deploy: ## the unit, the scripts and the policy of deploy/, as far as the tools for it are here
	@deploy/check.sh
