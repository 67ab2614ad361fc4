/** Server-sent events from a stream's bytes (the HTML standard, 9.2.6), cut anywhere. */

export interface ServerEvent {
  name: string;
  data: string;
}

export class EventParser {
  private readonly decoder = new TextDecoder();
  private rest = "";
  private name = "";
  private data: string[] = [];

  feed(chunk: Uint8Array): ServerEvent[] {
    this.rest += this.decoder.decode(chunk, { stream: true });
    const lines = this.rest.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.line(line));
  }

  private line(line: string): ServerEvent[] {
    if (line === "") {
      const event = { name: this.name || "message", data: this.data.join("\n") };
      const told = this.data.length > 0;
      this.name = "";
      this.data = [];
      return told ? [event] : [];
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.name = value;
    if (field === "data") this.data.push(value);
    return [];
  }
}
