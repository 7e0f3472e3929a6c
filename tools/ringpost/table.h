// Aligned columns, and the terminal they are for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ringpost::cli {

// Where output goes. Not a terminal: no colours, nothing cut, no progress lines.
struct Terminal {
  bool tty = false;
  bool colour = false;  // a terminal, NO_COLOR not set, TERM not "dumb"
  size_t width = 80;    // what is wider is cut; unbounded where `tty` is false

  static Terminal OfStandardOutput();
  std::string Bold(std::string_view text) const { return Paint("1", text); }
  std::string Good(std::string_view text) const { return Paint("32", text); }
  std::string Warn(std::string_view text) const { return Paint("33", text); }
  std::string Bad(std::string_view text) const { return Paint("31", text); }
  std::string Dim(std::string_view text) const { return Paint("2", text); }

 private:
  std::string Paint(const char* code, std::string_view text) const;
};

class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;  // numbers
    bool cuts = false;   // may be cut to fit the terminal
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as columns; text that is already safe for a terminal.
  void Row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  std::string ToString(const Terminal& terminal) const;
  // A table that comes in pages: the rows since the last one, which are forgotten. Only the first
  // page has a head; columns keep their width where what follows is narrower.
  std::string NextPage(const Terminal& terminal);

 private:
  std::vector<size_t> Widths() const;
  std::string Lines(const Terminal& terminal, std::vector<size_t> widths, bool head) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<size_t> page_widths_;  // of the pages so far
};

}  // namespace ringpost::cli
