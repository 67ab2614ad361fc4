import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useEditor, useEditorParts } from "../context";
import { type GraphNode, legalName } from "../model/graph";

/** The node's name as a field; it is taken once it is left, if it is a legal one. */
export function NodeName({ node }: { node: GraphNode }) {
  const { t } = useTranslation("canvas");
  const { store } = useEditorParts();
  const readOnly = useEditor((state) => state.readOnly);
  const [typed, setTyped] = useState<string>();
  const text = typed ?? node.name;
  const taken = store.getState().history.graph.nodes.some((one) => one.id !== node.id && one.name === text);
  const wrong = !legalName(text) ? t("rename.illegal") : taken ? t("rename.taken") : "";
  return (
    <div className="min-w-0 flex-1">
      <input
        aria-label={t("rename.label")}
        aria-invalid={Boolean(wrong)}
        className="h-7 w-full rounded border border-transparent bg-transparent px-1 font-semibold hover:border-line-strong focus:border-accent aria-invalid:border-danger"
        value={text}
        readOnly={readOnly}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") event.currentTarget.blur();
          if (event.key === "Escape") setTyped(undefined);
        }}
        onBlur={() => {
          if (!wrong && text !== node.name) {
            store.getState().change({ type: "rename", node: node.id, name: text.normalize("NFC") });
          }
          setTyped(undefined);
        }}
      />
      {wrong ? (
        <p role="alert" className="px-1 text-danger text-xs">
          {wrong}
        </p>
      ) : null}
    </div>
  );
}
