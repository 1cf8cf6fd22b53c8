internal import Primitives
internal import RPC
internal import Wire

extension BowerbirdClient {
    /// Begins to delete users with everything of them.
    ///
    /// - Parameters:
    ///   - job: The job's label.
    ///   - group: The dataset group's resource name.
    ///   - users: Their ids, at most 10,000.
    ///   - location: In place of them, the server's path of a file with a column USER_ID.
    /// - Returns: The job's resource name.
    /// - Throws: `ClientError` when it was refused.
    public func createDeletionJob(
        _ job: String,
        group: String,
        users: [String] = [],
        location: String = ""
    ) async throws(ClientError) -> String {
        try await call(
            "/bowerbird.v1.JobsService/CreateDataDeletionJob",
            { writer in
                let request = CreateDataDeletionJobRequestBuilder(into: writer)
                request.jobName(job)
                request.datasetGroup(group)
                if !location.isEmpty { request.dataSource { $0.dataLocation(location) } }
                for user in users { request.userIDs(user) }
            }
        ) { (bytes, arena) throws(WireError) in
            try CreateDataDeletionJobResponseView(unpacking: bytes, into: arena)
                .dataDeletionJob.resourceName.string
        }
    }

    /// Begins to import a file of the server.
    ///
    /// - Parameters:
    ///   - job: The job's label.
    ///   - dataset: The dataset's resource name.
    ///   - location: The server's path.
    ///   - settings: What the import is to be like.
    /// - Returns: The job's resource name.
    /// - Throws: `ClientError` when it was refused.
    public func createImportJob(
        _ job: String,
        dataset: String,
        location: String,
        settings: ImportSettings
    ) async throws(ClientError) -> String {
        try await call(
            "/bowerbird.v1.JobsService/CreateDatasetImportJob",
            { writer in
                let request = CreateDatasetImportJobRequestBuilder(into: writer)
                Self.encode(job, dataset, location, settings, request)
            }
        ) { (bytes, arena) throws(WireError) in
            try CreateDatasetImportJobResponseView(unpacking: bytes, into: arena)
                .datasetImportJob.resourceName.string
        }
    }

    /// Begins to send a file that is to be imported.
    ///
    /// - Parameters:
    ///   - job: The job's label.
    ///   - dataset: The dataset's resource name.
    ///   - fileName: What lists of refused rows call the file.
    ///   - settings: What the import is to be like.
    /// - Returns: Where the bytes go.
    /// - Throws: `ClientError` when nobody answers.
    public func uploadImport(
        _ job: String,
        dataset: String,
        fileName: String,
        settings: ImportSettings
    ) async throws(ClientError) -> FileUpload {
        let stream = channel.stream("/bowerbird.v1.JobsService/ImportData")
        do throws(Status) {
            try await stream.send { writer in
                ImportDataRequestBuilder(into: writer).job {
                    Self.encode(job, dataset, fileName, settings, $0)
                }
            }
        } catch {
            throw ClientError(error)
        }
        return FileUpload(stream: stream)
    }

    private static func encode(
        _ job: String,
        _ dataset: String,
        _ location: String,
        _ settings: ImportSettings,
        _ request: CreateDatasetImportJobRequestBuilder
    ) {
        request.jobName(job)
        request.dataset(dataset)
        request.dataSource { $0.dataLocation(location) }
        request.importMode(settings.mode == .full ? .full : .incremental)
        if let format = settings.format { request.format(format == .csv ? .csv : .jsonLines) }
        if settings.escapesByBackslash { request.csvEscape(.backslash) }
        if let errorsMax = settings.errorsMax { request.maxErrors(UInt64(max(0, errorsMax))) }
        request.dryRun(settings.isDryRun)
        request.eventType(settings.eventType)
    }

    /// Follows a job to its end.
    public func watchJob(_ job: String) async throws(ClientError) -> JobStates {
        let stream = channel.stream("/bowerbird.v1.JobsService/WatchJob")
        do throws(Status) {
            try await stream.send { WatchJobRequestBuilder(into: $0).job(job) }
        } catch {
            throw ClientError(error)
        }
        stream.finish()
        return JobStates(stream: stream)
    }

    /// Stops an import or an export that is waiting or running.
    public func cancelJob(_ job: String) async throws(ClientError) {
        let path = "/bowerbird.v1.JobsService/"
        if job.contains("/dataDeletionJobs/") {
            return try await call(
                path + "CancelDataDeletionJob",
                { CancelDataDeletionJobRequestBuilder(into: $0).dataDeletionJob(job) }
            ) { (_, _) throws(WireError) in }
        }
        guard job.contains("/datasetExportJobs/") else {
            return try await call(
                path + "CancelDatasetImportJob",
                { CancelDatasetImportJobRequestBuilder(into: $0).datasetImportJob(job) }
            ) { (_, _) throws(WireError) in }
        }
        try await call(
            path + "CancelDatasetExportJob",
            { CancelDatasetExportJobRequestBuilder(into: $0).datasetExportJob(job) }
        ) { (_, _) throws(WireError) in }
    }

    /// The first page of a group's imports, exports and deletions, each by name.
    public func jobs(group: String) async throws(ClientError) -> [JobState] {
        let imports = try await call(
            "/bowerbird.v1.JobsService/ListDatasetImportJobs",
            { writer in
                let request = ListDatasetImportJobsRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.pageSize(1_000)
            }
        ) { (bytes, arena) throws(WireError) in
            let view = try ListDatasetImportJobsResponseView(unpacking: bytes, into: arena)
            return (0..<view.datasetImportJobsCount).map { index in
                let job = view.datasetImportJobs(index)
                return JobState(
                    job.resourceName.string,
                    job.status,
                    job.failureReason.string,
                    job.progress
                )
            }
        }
        let exports = try await call(
            "/bowerbird.v1.JobsService/ListDatasetExportJobs",
            { writer in
                let request = ListDatasetExportJobsRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.pageSize(1_000)
            }
        ) { (bytes, arena) throws(WireError) in
            let view = try ListDatasetExportJobsResponseView(unpacking: bytes, into: arena)
            return (0..<view.datasetExportJobsCount).map { index in
                let job = view.datasetExportJobs(index)
                return JobState(
                    job.resourceName.string,
                    job.status,
                    job.failureReason.string,
                    job.progress
                )
            }
        }
        return try await imports + exports + deletionJobs(group)
    }

    private func deletionJobs(_ group: String) async throws(ClientError) -> [JobState] {
        try await call(
            "/bowerbird.v1.JobsService/ListDataDeletionJobs",
            { writer in
                let request = ListDataDeletionJobsRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.pageSize(1_000)
            }
        ) { (bytes, arena) throws(WireError) in
            let view = try ListDataDeletionJobsResponseView(unpacking: bytes, into: arena)
            return (0..<view.dataDeletionJobsCount).map { index in
                let job = view.dataDeletionJobs(index)
                return JobState(
                    job.resourceName.string,
                    job.status,
                    job.failureReason.string,
                    job.progress
                )
            }
        }
    }

    /// A dataset as the bytes of a file.
    public func exportData(
        dataset: String,
        mode: IngestionMode = .put,
        format: FileFormat = .csv,
        compression: FileCompression = .none
    ) async throws(ClientError) -> ExportedBytes {
        let stream = channel.stream("/bowerbird.v1.JobsService/ExportData")
        do throws(Status) {
            try await stream.send { writer in
                let request = ExportDataRequestBuilder(into: writer)
                request.dataset(dataset)
                switch mode {
                case .bulk: request.ingestionMode(.bulk)
                case .put: request.ingestionMode(.put)
                case .all: request.ingestionMode(.all)
                }
                request.format(format == .csv ? .csv : .jsonLines)
                switch compression {
                case .none: request.compression(.none)
                case .gzip: request.compression(.gzip)
                case .zstd: request.compression(.zstd)
                }
            }
        } catch {
            throw ClientError(error)
        }
        stream.finish()
        return ExportedBytes(stream: stream)
    }
}
