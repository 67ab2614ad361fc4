/** Hashes a file away from the page, which stays quick while it goes on. */
import { Sha256 } from "./sha256";

export type HashNews = { done: number } | { sha256: string } | { problem: string };

const PIECE = 4 * 1024 * 1024;

self.onmessage = async ({ data: file }: MessageEvent<Blob>) => {
  const tell = (news: HashNews) => self.postMessage(news);
  try {
    const hash = new Sha256();
    for (let at = 0; at < file.size; at += PIECE) {
      hash.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
      tell({ done: Math.min(at + PIECE, file.size) });
    }
    tell({ sha256: hash.digest() });
  } catch (problem) {
    tell({ problem: String(problem) });
  }
};
