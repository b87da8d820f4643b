// A plugin of typedoc. It gives each method of Tensor that has no comment the comment of the
// function of the same name. Methods are one line each, and 50 repeated comments would drift apart.
import { Converter, ReflectionKind } from 'typedoc';

/** Methods whose function has another name. */
const renamed = { var: 'variance' };

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    const functions = new Map();
    for (const { name, comment, signatures } of project.getReflectionsByKind(
      ReflectionKind.Function | ReflectionKind.Variable,
    )) {
      const found = signatures?.[0]?.comment ?? comment;
      if (found !== undefined) functions.set(name, found);
    }
    for (const method of project.getReflectionsByKind(ReflectionKind.Method)) {
      if (!['Tensor', 'Parameter'].includes(method.parent?.name)) continue;
      const comment = functions.get(renamed[method.name] ?? method.name);
      for (const signature of method.signatures ?? []) if (comment !== undefined) signature.comment ??= comment.clone();
    }
  });
}
