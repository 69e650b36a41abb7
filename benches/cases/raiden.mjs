// raiden-ts's published path of one LockedTransfer, and Chit's of one Update, in this Node.
import { inRoot } from "../../scripts/lib/paths.mjs";
import { capture, UserError } from "../../scripts/lib/run.mjs";
import { ratio } from "../lib/stats.mjs";

export async function raiden(report) {
  const printed = capture(process.execPath, [inRoot("benches", "peers", "raiden.mjs")]);
  if (printed === undefined) throw new UserError("the comparison with raiden-ts failed");
  const { figures, bytes } = JSON.parse(printed.split("\n").at(-1));
  report.group(`raiden-ts in Node ${process.versions.node}: one LockedTransfer (of the seven messages of a transfer) and one Update`);
  const size = (library) => `${bytes[library]} bytes`;
  report.add("raiden-ts: make, sign, encode", figures["raiden create"], "µs", { note: size("raiden") });
  report.add("raiden-ts: decode, recover the signer", figures["raiden accept"], "µs");
  report.add("raiden-ts: whole path", figures["raiden whole"], "µs");
  report.add("Chit: make, sign, encode", figures["chit create"], "µs", {
    against: { ratio: ratio(figures["chit create"], figures["raiden create"]), to: "raiden-ts" },
    note: size("chit"),
  });
  report.add("Chit: whole path, decoded and verified", figures["chit whole"], "µs", {
    against: { ratio: ratio(figures["chit whole"], figures["raiden whole"]), to: "raiden-ts" },
  });
}
