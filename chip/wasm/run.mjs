// Runs the program given, and prints its report.
import { readFileSync } from "node:fs";

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]));
const { memory, report } = instance.exports;
const packed = BigInt.asUintN(64, report());
const bytes = new Uint8Array(memory.buffer, Number(packed & 0xffffffffn), Number(packed >> 32n));
const text = new TextDecoder().decode(bytes);
console.log(text);
process.exit(text.startsWith("parser: ") ? 0 : 1);
