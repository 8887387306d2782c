import { describe, expect, it } from "vitest";
import { isMysqlList, mysqlDatabases, mysqlPlace, mysqlServers } from "../../src/rollup/mysql-address.ts";

describe("a list of databases", () => {
  it.each([
    ["mysql://h/a", ["mysql://h/a"]],
    ["mysql://h/a mysql://h/b", ["mysql://h/a", "mysql://h/b"]],
    ["mysql://h/a,mysql://h/b,\n  mysql://i/a", ["mysql://h/a", "mysql://h/b", "mysql://i/a"]],
    ["mysql://h1:1,h2:2/a,mysql://h3/b", ["mysql://h1:1,h2:2/a", "mysql://h3/b"]],
  ])("is read from %j", (list, databases) => {
    expect(mysqlDatabases(list)).toEqual(databases);
    expect(isMysqlList(list)).toBe(true);
  });

  it.each([
    "",
    "mysql://h",
    "mysql://h/",
    "mysql:///a",
    "postgres://h/a",
    "mysql://h/a postgres://h/b",
    "mysql://h/a mysql://h",
    "mysql://h1,/a",
    "mysql://h1:x,h2/a",
    "mysql://h1,h1/a",
    "mysql://h/a mysql://h/a",
    "h/a",
  ])("is not %j", (list) => {
    expect(isMysqlList(list)).toBe(false);
  });
});

describe("the servers of a database", () => {
  it("have the user, password and name of the database in common", () => {
    expect(mysqlServers("mysql://u:p%2C%40@h1:3306,h2,[::1]:3307/db?ssl=x")).toEqual([
      "mysql://u:p%2C%40@h1:3306/db?ssl=x",
      "mysql://u:p%2C%40@h2/db?ssl=x",
      "mysql://u:p%2C%40@[::1]:3307/db?ssl=x",
    ]);
    expect(mysqlServers("mysql://u:p@q@h1,h2/db")).toEqual(["mysql://u:p@q@h1/db", "mysql://u:p@q@h2/db"]);
  });

  it("are shown without the password", () => {
    expect(mysqlPlace("mysql://u:secret@h1:3306,h2/db")).toBe("h1:3306,h2/db");
  });
});
