/** Reads what an interface of the model says of its members, so that the documentation of a table cannot drift. */

/** A member of an interface. */
export interface InterfaceMember {
  readonly name: string;
  readonly type: string;
  /** Its doc comment in one line; "" when it has none. */
  readonly comment: string;
}

const MEMBER = /(?:\/\*\*\s*((?:[^*]|\*(?!\/))*?)\s*\*\/\s*)?readonly (\w+)\??: ([^;]+);/g;

/** The members that an exported interface adds in the text of a source file. Throws when there is no such interface. */
export function interfaceMembers(source: string, interfaceName: string): InterfaceMember[] {
  const body = new RegExp(`export interface ${interfaceName}(?: extends \\w+)? \\{\\n([^]*?)\\n\\}`).exec(source)?.[1];
  if (body === undefined) throw new Error(`no interface ${interfaceName} in the source`);
  return [...body.matchAll(MEMBER)].map(([, comment = "", name = "", type = ""]) => ({
    name,
    type,
    comment: comment.replaceAll(/\s*\n\s*\*?\s*/g, " ").trim(),
  }));
}

/** `pointsRefused` as a column is named in SQL: `points_refused`. */
export function columnName(memberName: string): string {
  return memberName.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
