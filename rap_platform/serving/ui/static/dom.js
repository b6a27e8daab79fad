// One way to make elements: children are nodes or text, never markup.
export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.map((child) => (child instanceof Node ? child : String(child ?? ""))));
  return made;
}

export const words = (name) => String(name).replaceAll("_", " ");
