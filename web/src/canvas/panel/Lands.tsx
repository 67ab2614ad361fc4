/** What the script will find: its command line with everything put in, and where each input lies. */
import { useTranslation } from "react-i18next";
import { useEditor } from "../context";
import type { Graph, GraphNode } from "../model/graph";

export function Lands({ node }: { node: GraphNode }) {
  const { t } = useTranslation("canvas");
  const graph = useEditor((state) => state.history.graph);
  const upstream = graph.edges
    .filter((edge) => edge.target === node.id)
    .flatMap((edge) => graph.nodes.find((one) => one.id === edge.source) ?? []);
  const { script, dependencies, dependency_paths: paths } = node.settings;
  const listed =
    typeof paths === "string"
      ? paths
          .split(",")
          .map((path) => path.trim())
          .filter(Boolean)
      : [];
  return (
    <div className="space-y-4">
      <section>
        <h3 className="mb-1 font-medium">{t("lands.command")}</h3>
        <pre className="overflow-x-auto whitespace-pre-wrap break-words rounded-md border border-line bg-sunken p-2 font-mono text-xs">
          {commandLine(graph, node)}
        </pre>
        <p className="mt-1 text-ink-faint text-xs">{t("lands.commandHint")}</p>
      </section>
      <section>
        <h3 className="mb-1 font-medium">{t("lands.files")}</h3>
        <dl className="space-y-1 font-mono text-xs">
          <Line path={nameOf(script) || "train.py"} from={t("lands.script")} />
          {nameOf(dependencies) ? <Line path="./" from={nameOf(dependencies)} /> : null}
          {listed.map((path) => (
            <Line key={path} path={landing(path)} from={path} />
          ))}
          {upstream.map((one) => (
            <Line key={one.id} path={`inputs/${one.name}/`} from={t("lands.outputsOf", { name: one.name })} />
          ))}
          <Line path="outputs/" from={t("lands.kept")} />
        </dl>
      </section>
    </div>
  );
}

function Line({ path, from }: { path: string; from: string }) {
  return (
    <div className="rounded border border-line px-2 py-1">
      <dt className="break-all font-medium">{path}</dt>
      <dd className="break-all font-sans text-ink-faint">{from}</dd>
    </div>
  );
}

function nameOf(file: unknown): string {
  return typeof file === "object" && file !== null && "name" in file ? String(file.name) : "";
}

/** A file lands under its own name, a directory under its own name with its tree. */
function landing(path: string): string {
  const key = path.replace(/^\w+:\/\/[^/]*\/?/, "");
  const name = key.replace(/\/+$/, "").split("/").at(-1) ?? "";
  return key.endsWith("/") ? `${name}/` : name || "./";
}

/** With the parameters' defaults and the places of upstream outputs; what is not known yet stays as it is. */
export function commandLine(graph: Graph, node: GraphNode): string {
  const values = new Map(
    graph.parameters.flatMap(({ name, default: value }) =>
      value === null || value === undefined ? [] : [[name, String(value)] as const],
    ),
  );
  const text = typeof node.settings["arguments"] === "string" ? node.settings["arguments"] : "";
  const put = text.replace(/(\$?)\$\{([^}]*)\}/g, (whole, kept: string, name: string) => {
    if (kept) return whole.slice(1);
    if (name.endsWith(".outputs")) return `inputs/${name.slice(0, -".outputs".length)}`;
    return values.get(name) ?? whole;
  });
  return `python ${nameOf(node.settings["script"]) || "…"} ${put.trim()}`.trim();
}
