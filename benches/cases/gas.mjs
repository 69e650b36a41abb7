// The Judge's gas, as its tests hold it, against what was published for others. Calldata included.
import { readFileSync } from "node:fs";
import { inRoot } from "../../scripts/lib/paths.mjs";

/** Ours, by its name in contracts/gas.json; theirs; the ceiling. */
const compared = [
  ["open, token", "Raiden, open and deposit", 147_000, 100_000],
  ["open, coin", undefined, undefined, 75_000],
  ["deposit, token, next", "Nitro, ERC-20 deposit", 70_000, undefined],
  ["close with proof", "Raiden, close", 118_000, 75_000],
  ["close with proof and locks", undefined, undefined, 97_000],
  ["update by the beneficiary", "Raiden, update", 90_000, 72_000],
  ["settle, token", "Raiden, settle", 109_000, 85_000],
  ["cooperative close, token", "Raiden, cooperative close", 112_000, 85_000],
  ["cooperative close, token", "Nitro, cooperative close", 113_000, 85_000],
  ["cooperative withdraw, token", "Raiden, withdraw", 115_000, 70_000],
  ["unlock 1 of 100000, first", undefined, undefined, 100_000],
  ["unlock 1 of 100000, next", "Raiden, one unlock of at most 160 locks", 39_000, 67_000],
  ["unlock 10 of 100000, in one call", undefined, undefined, undefined],
  ["unlock 100 of 100000, in one call", undefined, undefined, undefined],
  ["unlock 50 of 100000, each", "Raiden, one unlock of at most 160 locks", 39_000, 26_000],
];

export async function gas(report) {
  report.group("Gas, from contracts/gas.json, which the tests hold");
  const ours = JSON.parse(readFileSync(inRoot("contracts", "gas.json"), "utf8"));
  for (const [name, theirs, published, ceiling] of compared) {
    report.add(theirs ? `${name} (${theirs}: ${published.toLocaleString("en")})` : name, [ours[name]], "gas", {
      ...(theirs ? { against: { ratio: ours[name] / published, to: "theirs" } } : {}),
      ...(ceiling ? { goal: { figure: ceiling } } : {}),
    });
  }
}
