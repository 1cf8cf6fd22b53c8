public import ArgumentParser
public import BowerbirdClient

extension ImportMode: ExpressibleByArgument {}
extension IngestionMode: ExpressibleByArgument {}
extension FileFormat: ExpressibleByArgument {}
extension FileCompression: ExpressibleByArgument {}
